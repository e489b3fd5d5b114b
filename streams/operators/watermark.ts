/** How far event time is complete over several sources, and what happens to rows that come after it. */

import { Observable, type OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import type { Clock } from '../../engine/clock.ts';
import { AccessBatch } from '../access-batch.ts';
import { FlowCounts } from './flow-counts.ts';
import { selectRows } from './select-rows.ts';
import { boundaryAtOrBefore } from './split-at.ts';

/** A batch and the source it came from, 0..sourceCount-1. */
export interface SourcedBatch {
  readonly source: number;
  readonly batch: AccessBatch;
}

/** What becomes of a row older than the watermark. */
export type LatePolicy = 'drop' | 'side-output' | 'accept';

/** How the watermark is derived. */
export interface WatermarkOptions {
  readonly sourceCount: number;
  /** How far behind the newest row of its own source a row may come and still be in time. Default 0. */
  readonly outOfOrderMs?: number;
  /** The watermark moves in steps of this many whole ms, so that it does not depend on how rows were batched. Default 1000. */
  readonly everyMs?: number;
  /** A source silent for longer on `clock` no longer holds the watermark back. Default: never idle. */
  readonly idleAfterMs?: number;
  /** Default `drop`. */
  readonly late?: LatePolicy;
  /** Books to keep. Reason: `late`. Rows of a side output count as handed on. */
  readonly counts?: FlowCounts;
}

/** Rows in time (or accepted late), rows too late, and the promise that no row before `atMs` comes any more except as late. */
export type WatermarkEvent =
  | { readonly kind: 'batch'; readonly source: number; readonly batch: AccessBatch }
  | { readonly kind: 'late'; readonly source: number; readonly batch: AccessBatch }
  | { readonly kind: 'watermark'; readonly atMs: number };

/**
 * Bounded out-of-orderness over several sources (the watermark of Akidau et al., "The Dataflow Model", VLDB 2015, as the
 * least over sources of newest time minus the bound).
 *
 * Judged row by row, so batch sizes do not matter; rows keep their order of arrival, which `orderByTime` turns into order of
 * time. The watermark never goes back: a source that returns from idleness finds its old rows late. Rows without a time are
 * never late. What is handed on is a log of its own, numbered in order of arrival. Cost: O(1) a row, O(sources) a batch.
 */
export class Watermarker {
  readonly #outOfOrderMs: number;
  readonly #everyMs: number;
  readonly #idleAfterMs: number;
  readonly #late: LatePolicy;
  readonly #counts: FlowCounts;
  readonly #newestMs: Float64Array;
  readonly #heardAt: Float64Array;
  readonly #isIdle: Uint8Array;
  #atMs = Number.NEGATIVE_INFINITY;
  #inTimePosition = 0;
  #latePosition = 0;
  #acceptedLateCount = 0;
  #inTime = new Uint32Array(0);
  #tooLate = new Uint32Array(0);

  /** @param now where the clock stands: sources never heard from are silent since then. */
  constructor(options: WatermarkOptions, now: number) {
    assert(Number.isInteger(options.sourceCount) && options.sourceCount >= 1, 'a watermark needs at least one source');
    this.#outOfOrderMs = options.outOfOrderMs ?? 0;
    this.#everyMs = options.everyMs ?? 1000;
    this.#idleAfterMs = options.idleAfterMs ?? Number.POSITIVE_INFINITY;
    this.#late = options.late ?? 'drop';
    this.#counts = options.counts ?? new FlowCounts();
    assert(this.#outOfOrderMs >= 0, `outOfOrderMs ${this.#outOfOrderMs} is negative`);
    assert(Number.isSafeInteger(this.#everyMs) && this.#everyMs >= 1, `everyMs ${this.#everyMs} is not whole ms`);
    assert(this.#idleAfterMs > 0, `idleAfterMs ${this.#idleAfterMs} is not positive`);
    this.#newestMs = new Float64Array(options.sourceCount).fill(Number.NEGATIVE_INFINITY);
    this.#heardAt = new Float64Array(options.sourceCount).fill(now);
    this.#isIdle = new Uint8Array(options.sourceCount);
  }

  /** The watermark; -Infinity before every source was heard from. */
  get atMs(): number {
    return this.#atMs;
  }

  /** Late rows handed on under the policy `accept`. */
  get acceptedLateCount(): number {
    return this.#acceptedLateCount;
  }

  /** Takes a batch that arrived when the clock stood at `now`. */
  push(input: SourcedBatch, now: number): readonly WatermarkEvent[] {
    const { source, batch } = input;
    assert(source >= 0 && source < this.#newestMs.length, `source ${source} of ${this.#newestMs.length}`);
    this.#heardAt[source] = now;
    this.#isIdle[source] = 0;
    this.#counts.inCount += batch.length;
    if (this.#inTime.length < batch.length) {
      this.#inTime = new Uint32Array(batch.length);
      this.#tooLate = new Uint32Array(batch.length);
    }
    const events: WatermarkEvent[] = [];
    const othersMs = this.#newestOfOthers(source);
    const { timeMs, length } = batch;
    const isAccepting = this.#late === 'accept';
    let newest = this.#newestMs[source]!;
    let inTime = 0;
    let tooLate = 0;
    for (let row = 0; row < length; row++) {
      const at = timeMs[row]!;
      if (at < this.#atMs) {
        if (isAccepting) {
          this.#acceptedLateCount++;
          this.#inTime[inTime++] = row;
        } else this.#tooLate[tooLate++] = row;
      } else this.#inTime[inTime++] = row;
      if (at > newest) {
        newest = at;
        const reached = this.#reached(Math.min(newest, othersMs));
        if (reached > this.#atMs) {
          this.#emit(events, input, inTime, tooLate);
          inTime = 0;
          tooLate = 0;
          this.#atMs = reached;
          events.push({ kind: 'watermark', atMs: reached });
        }
      }
    }
    this.#newestMs[source] = newest;
    this.#emit(events, input, inTime, tooLate);
    return events;
  }

  /** Marks sources as idle that were silent for `idleAfterMs` at `now`; the watermark may move on without them. */
  expire(now: number): readonly WatermarkEvent[] {
    let hasChanged = false;
    for (let source = 0; source < this.#isIdle.length; source++) {
      if (this.#isIdle[source] === 0 && now - this.#heardAt[source]! >= this.#idleAfterMs) {
        this.#isIdle[source] = 1;
        hasChanged = true;
      }
    }
    if (!hasChanged) return [];
    const newest = this.#newestOfOthers(-1);
    if (newest === Number.POSITIVE_INFINITY) return []; // all are idle: nothing says that time went on
    const reached = this.#reached(newest);
    if (!(reached > this.#atMs)) return [];
    this.#atMs = reached;
    return [{ kind: 'watermark', atMs: reached }];
  }

  /** When `expire` is due next on the clock; Infinity when no source can become idle. */
  nextExpiryAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (let source = 0; source < this.#isIdle.length; source++)
      if (this.#isIdle[source] === 0) at = Math.min(at, this.#heardAt[source]! + this.#idleAfterMs);
    return at;
  }

  /** The step that a newest time over all sources has passed. */
  #reached(newestMs: number): number {
    if (newestMs === Number.NEGATIVE_INFINITY) return newestMs;
    return boundaryAtOrBefore(newestMs - this.#outOfOrderMs, this.#everyMs);
  }

  #newestOfOthers(source: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let other = 0; other < this.#newestMs.length; other++)
      if (other !== source && this.#isIdle[other] === 0) least = Math.min(least, this.#newestMs[other]!);
    return least;
  }

  #emit(events: WatermarkEvent[], input: SourcedBatch, inTime: number, tooLate: number): void {
    const { source, batch } = input;
    if (inTime > 0) {
      events.push({ kind: 'batch', source, batch: taken(batch, this.#inTime, inTime, this.#inTimePosition) });
      this.#inTimePosition += inTime;
      this.#counts.outCount += inTime;
    }
    if (tooLate === 0) return;
    if (this.#late === 'drop') {
      this.#counts.drop('late', tooLate);
      return;
    }
    events.push({ kind: 'late', source, batch: taken(batch, this.#tooLate, tooLate, this.#latePosition) });
    this.#latePosition += tooLate;
    this.#counts.outCount += tooLate;
  }
}

/** The rows as a batch at `position`: a view where they are consecutive, else a copy. */
function taken(batch: AccessBatch, rows: Uint32Array, count: number, position: number): AccessBatch {
  const first = rows[0]!;
  if (rows[count - 1]! - first + 1 === count) return new AccessBatch(position, batch.slice(first, first + count));
  return selectRows(batch, rows, count, position);
}

/** `Watermarker` as an operator; idleness is timed on `clock`. */
export function watermark(options: WatermarkOptions, clock: Clock): OperatorFunction<SourcedBatch, WatermarkEvent> {
  return (source) =>
    new Observable<WatermarkEvent>((subscriber) => {
      const stage = new Watermarker(options, clock.now());
      let cancelTimer = (): void => {};
      const emit = (events: readonly WatermarkEvent[]): void => {
        for (const event of events) subscriber.next(event);
      };
      const arm = (): void => {
        cancelTimer();
        const at = stage.nextExpiryAt();
        if (at === Number.POSITIVE_INFINITY || subscriber.closed) return;
        const timer = clock.setTimeout(() => {
          emit(stage.expire(clock.now()));
          arm();
        }, at - clock.now());
        cancelTimer = () => clock.clearTimeout(timer);
      };
      arm();
      const subscription = source.subscribe({
        next: (input) => {
          try {
            emit(stage.push(input, clock.now()));
          } catch (error) {
            subscriber.error(error);
            return;
          }
          arm();
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      return () => {
        cancelTimer();
        subscription.unsubscribe();
      };
    });
}
