/** The aggregation as a program without this project would have it: objects in a Map, by hand and through RxJS. */

import type { AccessBatch } from '../../streams/access-batch.ts';
import { Total } from './aggregate-total.ts';
import type { Contender } from './bench.ts';
import { timed } from './timed.ts';

export interface MapInput {
  readonly batches: readonly AccessBatch[];
  readonly rowCount: number;
  readonly windowMs: number;
  readonly halfLifeMs: number;
}

interface AccessEvent {
  readonly timeMs: number;
  readonly segment: number;
  readonly size: number;
  readonly weight: number;
}

interface Aggregate {
  count: number;
  bytes: number;
  last: number;
  decayed: number;
}

class WindowedMap {
  readonly total = new Total();
  readonly #input: MapInput;
  #aggregates = new Map<number, Aggregate>();
  #window = Number.NaN;

  constructor(input: MapInput) {
    this.#input = input;
  }

  add(event: AccessEvent): void {
    const { windowMs, halfLifeMs } = this.#input;
    const window = Math.floor(event.timeMs / windowMs);
    if (window !== this.#window) {
      this.close();
      this.#window = window;
    }
    let aggregate = this.#aggregates.get(event.segment);
    if (aggregate === undefined) {
      aggregate = { count: 0, bytes: 0, last: 0, decayed: 0 };
      this.#aggregates.set(event.segment, aggregate);
    }
    aggregate.count += event.weight;
    if (event.size > 0) aggregate.bytes += event.size * event.weight;
    aggregate.last = event.timeMs;
    aggregate.decayed += event.weight * 0.5 ** (((window + 1) * windowMs - event.timeMs) / halfLifeMs);
  }

  close(): void {
    for (const { count, bytes, last, decayed } of this.#aggregates.values())
      this.total.add(count, bytes, last, decayed);
    this.#aggregates = new Map();
  }
}

/** A Map of objects by segment, fed from the columns in a plain loop. */
export function mapContender(input: MapInput): Contender {
  return {
    name: 'map',
    does: 'a Map from id to an object of four numbers, fed by a loop over the columns',
    run: () =>
      timed(input.rowCount, () => {
        const map = new WindowedMap(input);
        for (const batch of input.batches) for (let i = 0; i < batch.length; i++) map.add(eventOf(batch, i));
        map.close();
        return map.total.answer();
      }),
  };
}

/** The same Map behind a subject that carries one event at a time through filter, map and scan. */
export async function rxMapContender(input: MapInput): Promise<Contender> {
  const { filter, map: mapped, scan, Subject } = await import('rxjs');
  return {
    name: 'rxjs map',
    does: 'the same Map fed by RxJS, an event at a time: Subject, filter of known ids, map to the event, scan into the Map',
    run: () =>
      timed(input.rowCount, () => {
        const map = new WindowedMap(input);
        const rows = new Subject<{ readonly batch: AccessBatch; readonly row: number }>();
        rows
          .pipe(
            filter(({ batch, row }) => batch.segment[row]! >= 0),
            mapped(({ batch, row }) => eventOf(batch, row)),
            scan((state, event) => {
              state.add(event);
              return state;
            }, map),
          )
          .subscribe();
        for (const batch of input.batches) for (let row = 0; row < batch.length; row++) rows.next({ batch, row });
        rows.complete();
        map.close();
        return map.total.answer();
      }),
  };
}

function eventOf(batch: AccessBatch, i: number): AccessEvent {
  return { timeMs: batch.timeMs[i]!, segment: batch.segment[i]!, size: batch.size[i]!, weight: batch.weight[i]! };
}
