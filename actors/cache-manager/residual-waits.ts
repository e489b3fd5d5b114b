/** Who waits how long at a site without a prefetcher: a miss for its fetch, a hit for what is left of one under way. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Served } from '../prefetcher.ts';
import type { Eviction } from './eviction.ts';
import { grownTable } from './grown-table.ts';
import type { Ledger } from './ledger.ts';
import type { Origin } from './origin.ts';

/** Entries of the table of latest fetches, less one. */
const MASK = 2047;

/**
 * Most hits wait for nothing, and learn that from a small table that keeps the latest fetch of all segments whose ids end alike,
 * and so stays in the processor's cache; only who finds a young entry there asks for the segment's own fetch.
 * Where every fetch takes the same number of accesses nothing is asked of the origin at all.
 */
export class ResidualWaits {
  readonly #origin: Origin;
  readonly #isTimed: boolean;
  /** Model time at which the segment's latest fetch lands; or the position at which it was sent, where all take equally long. */
  #fetched: Float64Array;
  /** Latest landing of the segments whose ids are equal under `MASK`; for fetches that take time. */
  readonly #latestLanding: Float64Array;
  /** Their latest fetch, as 32 bits of the log position; for fetches that take accesses. What wraps around costs at most a look-up. */
  readonly #latestFetch = new Int32Array(MASK + 1).fill(-(2 ** 31));
  #now = 0;

  constructor(options: { readonly origin: Origin; readonly isTimed: boolean; readonly segmentCountHint: number }) {
    this.#origin = options.origin;
    this.#isTimed = options.isTimed;
    this.#fetched = new Float64Array(options.segmentCountHint).fill(-Infinity);
    this.#latestLanding = new Float64Array(MASK + 1).fill(-Infinity);
  }

  /** Rows [from, to), served as `served` and `bytes` say from their starts on; they had `misses` misses. */
  pass(
    batch: AccessBatch,
    from: number,
    to: number,
    served: Uint8Array,
    bytes: Float64Array,
    misses: number,
    ledger: Ledger,
  ): void {
    const { accessesPerFetch } = this.#origin;
    if (accessesPerFetch !== undefined && !this.#isTimed) {
      const waiting = this.#passByCount(batch, from, to, served, accessesPerFetch, ledger);
      if (!ledger.isCounting) return;
      ledger.waits.addMany(accessesPerFetch, misses);
      ledger.waits.addMany(0, to - from - misses - waiting);
    } else {
      this.#passByOrigin(batch, from, to, served, bytes, ledger);
    }
  }

  /** Whether `access` may stand for an eviction's pass and `pass`: where nothing is asked of the origin. */
  get isCounted(): boolean {
    return this.#origin.accessesPerFetch !== undefined && !this.#isTimed;
  }

  /**
   * Serves rows [from, to), of one unit each, from `eviction` and adds their waits in the same loop: what is hard to foresee is
   * whether a row misses, and so it is asked once. Leaves how row i was served in `served[i - from]`; gives the number of misses.
   */
  access(
    eviction: Eviction,
    { segment, position }: AccessBatch,
    from: number,
    to: number,
    served: Uint8Array,
    ledger: Ledger,
  ): number {
    const accessesPerFetch = this.#origin.accessesPerFetch!;
    const latest = this.#latestFetch;
    const old = -Math.min(accessesPerFetch, 2 ** 31 - 1) | 0;
    const first = position | 0;
    let fetched = this.#fetched;
    let misses = 0;
    let waiting = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      const at = (first + i) | 0;
      if (eviction.access(id, 1)) {
        served[i - from] = Served.hit;
        if (((latest[id & MASK]! - at) | 0) > old && id < fetched.length) {
          const wait = fetched[id]! + accessesPerFetch - (position + i);
          if (wait > 0) {
            waiting++;
            if (ledger.isCounting) ledger.waits.add(wait);
          }
        }
      } else {
        served[i - from] = Served.miss;
        misses++;
        if (id >= fetched.length) fetched = this.#grow(id);
        latest[id & MASK] = at;
        fetched[id] = position + i;
      }
    }
    if (ledger.isCounting) {
      ledger.waits.addMany(accessesPerFetch, misses);
      ledger.waits.addMany(0, to - from - misses - waiting);
    }
    return misses;
  }

  /** Everything but what the settings give: #origin, #isTimed. */
  persist(fields: StateFields): void {
    this.#fetched = fields.array(this.#fetched);
    fields.into(this.#latestLanding);
    fields.into(this.#latestFetch);
    this.#now = fields.number(this.#now);
  }

  /** Adds the waits of hits that wait, and gives their number. */
  #passByCount(
    { segment, position }: AccessBatch,
    from: number,
    to: number,
    served: Uint8Array,
    accessesPerFetch: number,
    ledger: Ledger,
  ): number {
    const latest = this.#latestFetch;
    const old = -Math.min(accessesPerFetch, 2 ** 31 - 1) | 0;
    const first = position | 0;
    let fetched = this.#fetched;
    let waiting = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      const at = (first + i) | 0;
      if (served[i - from] === Served.miss) {
        if (id >= fetched.length) fetched = this.#grow(id);
        latest[id & MASK] = at;
        fetched[id] = position + i;
      } else if (((latest[id & MASK]! - at) | 0) > old && id < fetched.length) {
        const wait = fetched[id]! + accessesPerFetch - (position + i);
        if (wait > 0) {
          waiting++;
          if (ledger.isCounting) ledger.waits.add(wait);
        }
      }
    }
    return waiting;
  }

  #passByOrigin(
    { segment, timeMs, position }: AccessBatch,
    from: number,
    to: number,
    served: Uint8Array,
    bytes: Float64Array,
    ledger: Ledger,
  ): void {
    const latest = this.#latestLanding;
    const isTimed = this.#isTimed;
    let fetched = this.#fetched;
    let unwaited = to - from;
    let now = this.#now;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      if (!isTimed) now = position + i;
      else if (!Number.isNaN(timeMs[i]!)) now = timeMs[i]!;
      const entry = id & MASK;
      let wait = 0;
      if (served[i - from] !== Served.miss) {
        if (latest[entry]! <= now) continue;
        if (id < fetched.length) wait = fetched[id]! - now;
        if (!(wait > 0)) continue;
      } else {
        const landing = this.#origin.demand(id, bytes[i - from]!, now, position + i);
        if (id >= fetched.length) fetched = this.#grow(id);
        fetched[id] = landing;
        wait = landing - now;
        if (landing > latest[entry]!) latest[entry] = landing;
      }
      unwaited--;
      if (ledger.isCounting) ledger.waits.add(wait);
    }
    this.#now = now;
    if (ledger.isCounting) ledger.waits.addMany(0, unwaited);
  }

  #grow(segment: number): Float64Array {
    const length = this.#fetched.length;
    this.#fetched = grownTable(this.#fetched, segment);
    return this.#fetched.fill(-Infinity, length);
  }
}
