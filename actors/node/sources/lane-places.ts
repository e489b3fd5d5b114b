/** Where the log stands in each lane of a source, kept so that no crash makes a message count twice or not at all. */

import { sha256Hex } from '../../../engine/host/digest.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';
import type { LanePositions } from './broker.ts';

/**
 * A chunk of a lane is one append, with the lane as its producer and `sequence` as its number. `until` is where the chunk under way
 * ends, stored before it is appended: after a crash between the two the same messages are appended under the same number once more, and
 * the log knows whether it has them.
 */
export interface LanePlace {
  /** How often the lane has begun anew. */
  readonly generation: number;
  readonly epoch: string;
  readonly sequence: number;
  /** The log has everything up to here; null = nothing. */
  readonly after: string | null;
  /** End of a chunk that may or may not be in the log; null = none is open. */
  readonly until: string | null;
}

const PREFIX = 'source/';
const FIRST: LanePlace = { generation: 0, epoch: '', sequence: 0, after: null, until: null };

/** Places of one source. The note that a chunk has ended goes with the one that begins the next, or with `flush`. */
export class LanePlaces implements LanePositions {
  readonly #source: string;
  readonly #store: RecordStore;
  readonly #places = new Map<string, LanePlace>();
  readonly #unwritten = new Set<string>();

  constructor(source: string, store: RecordStore) {
    this.#source = source;
    this.#store = store;
  }

  /** Position by lane, of the lanes seen since the start. */
  get positions(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#places].map(([lane, { after }]) => [lane, after ?? '']));
  }

  placeOf(lane: string): LanePlace {
    const known = this.#places.get(lane);
    if (known !== undefined) return known;
    const stored = this.#store.get(this.#keyOf(lane));
    const place = stored === null ? FIRST : (JSON.parse(stored) as LanePlace);
    this.#places.set(lane, place);
    return place;
  }

  positionOf(lane: string): string | null {
    return this.placeOf(lane).after;
  }

  /** The name under which the log knows the lane. */
  producerOf(lane: string): string {
    return `source:${this.#source}:${laneName(lane)}:${this.placeOf(lane).generation}`;
  }

  async enter(lane: string, epoch: string): Promise<void> {
    const place = this.placeOf(lane);
    if (place.epoch === epoch) return;
    if (place.epoch === '' && place.after === null && place.until === null) await this.#put(lane, { ...place, epoch });
    else await this.#put(lane, { ...FIRST, epoch, generation: place.generation + 1 });
  }

  async renew(lane: string): Promise<void> {
    const { generation, epoch } = this.placeOf(lane);
    await this.#put(lane, { ...FIRST, epoch, generation: generation + 1 });
  }

  /** A chunk that ends at `until` is about to be appended. @throws as the store does. */
  async open(lane: string, until: string): Promise<void> {
    await this.#put(lane, { ...this.placeOf(lane), until });
  }

  /** The open chunk is in the log. */
  close(lane: string): void {
    const { until, after, sequence, ...rest } = this.placeOf(lane);
    this.#places.set(lane, { ...rest, sequence: sequence + 1, after: until ?? after, until: null });
    this.#unwritten.add(lane);
  }

  /** Nothing is under way: what was closed is noted. */
  async flush(): Promise<void> {
    for (const lane of [...this.#unwritten]) await this.#put(lane, this.placeOf(lane));
  }

  async #put(lane: string, place: LanePlace): Promise<void> {
    await this.#store.put(this.#keyOf(lane), JSON.stringify(place));
    this.#places.set(lane, place);
    this.#unwritten.delete(lane);
  }

  #keyOf(lane: string): string {
    return `${PREFIX}${this.#source}/${laneName(lane)}`;
  }
}

/** A lane's name as producers and keys may have it: itself, or a digest where it is long or has other characters. */
function laneName(lane: string): string {
  return /^[\w.:/-]{1,80}$/.test(lane) ? lane : `sha256:${sha256Hex([new TextEncoder().encode(lane)]).slice(0, 40)}`;
}
