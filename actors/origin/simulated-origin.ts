/** The origin of a replay: fetches that take time, share slots, and let demand go first. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Origin } from '../cache-manager/origin.ts';
import type { LatencySpec } from './latency-spec.ts';
import { logNormalFactor } from './log-normal.ts';

/** Every fetch lands at once: the model that published miss counts assume. */
export class InstantOrigin implements Origin {
  readonly isInstant = true;
  readonly preempted = -1;
  demand(_segment: number, _sizeBytes: number, now: number): number {
    return now;
  }
  prefetch(_segment: number, _sizeBytes: number, now: number): number {
    return now;
  }
  join(): void {}
  callBack(): void {}
}

/** Every fetch lands a fixed number of accesses later; any number at once. For traces without time. */
export class RequestCountOrigin implements Origin {
  readonly isInstant = false;
  readonly preempted = -1;
  readonly accessesPerFetch: number;

  constructor(requests: number) {
    this.accessesPerFetch = requests;
  }
  demand(_segment: number, _sizeBytes: number, now: number): number {
    return now + this.accessesPerFetch;
  }
  prefetch(_segment: number, _sizeBytes: number, now: number): number {
    return now + this.accessesPerFetch;
  }
  join(): void {}
  callBack(): void {}
}

/**
 * Time to first byte plus size over bandwidth, on a limited number of slots.
 *
 * A demand that finds every slot taken calls back the prefetch that would land last; if all slots serve demands it waits for
 * the first to be free. The random part of a fetch is drawn by hashing (seed, segment, key), so that the same demand takes the
 * same time whatever else was fetched: replays with and without prefetching see the same weather (common random numbers).
 * Cost: O(slots) per fetch.
 */
class TimedOrigin implements Origin {
  readonly isInstant = false;
  preempted = -1;
  readonly #firstByteMs: number;
  readonly #sigma: number;
  readonly #msPerByte: number;
  readonly #freeAt: Float64Array;
  /** Segment of the prefetch on a slot, or -1 where a demand or nothing is on it. */
  readonly #prefetched: Int32Array;
  readonly #isLimited: boolean;
  readonly #seed: number;

  constructor(spec: Extract<LatencySpec, { kind: 'time' }>, seed: number) {
    this.#firstByteMs = spec.firstByteMs;
    this.#sigma = spec.sigma;
    this.#msPerByte = 1000 / spec.bytesPerSecond;
    this.#isLimited = spec.concurrency !== Infinity;
    const slots = this.#isLimited ? spec.concurrency : 0;
    this.#freeAt = new Float64Array(slots).fill(-Infinity);
    this.#prefetched = new Int32Array(slots).fill(-1);
    this.#seed = seed;
  }

  demand(segment: number, sizeBytes: number, now: number, key: number): number {
    this.preempted = -1;
    const duration = this.#duration(segment, sizeBytes, key);
    if (!this.#isLimited) return now + duration;
    let slot = this.#freeSlot(now);
    let start = now;
    if (slot < 0) {
      slot = this.#lastPrefetchSlot();
      if (slot >= 0) {
        this.preempted = this.#prefetched[slot]!;
      } else {
        slot = this.#firstToBeFree();
        start = this.#freeAt[slot]!;
      }
    }
    this.#freeAt[slot] = start + duration;
    this.#prefetched[slot] = -1;
    return start + duration;
  }

  prefetch(segment: number, sizeBytes: number, now: number, key: number): number {
    const landsAt = now + this.#duration(segment, sizeBytes, key);
    if (!this.#isLimited) return landsAt;
    const slot = this.#freeSlot(now);
    if (slot < 0) return -1;
    this.#freeAt[slot] = landsAt;
    this.#prefetched[slot] = segment;
    return landsAt;
  }

  join(segment: number): void {
    const slot = this.#prefetched.indexOf(segment);
    if (slot >= 0) this.#prefetched[slot] = -1;
  }

  callBack(segment: number): void {
    const slot = this.#prefetched.indexOf(segment);
    if (slot < 0) return;
    this.#prefetched[slot] = -1;
    this.#freeAt[slot] = -Infinity;
  }

  /** Everything but what the settings give: #firstByteMs, #sigma, #msPerByte, #isLimited, #seed. */
  persist(fields: StateFields): void {
    fields.into(this.#freeAt);
    fields.into(this.#prefetched);
  }

  #duration(segment: number, sizeBytes: number, key: number): number {
    const factor = this.#sigma === 0 ? 1 : logNormalFactor(this.#sigma, this.#seed, segment, key);
    return this.#firstByteMs * factor + sizeBytes * this.#msPerByte;
  }

  #freeSlot(now: number): number {
    for (let i = 0; i < this.#freeAt.length; i++) {
      if (this.#freeAt[i]! <= now) {
        this.#prefetched[i] = -1;
        return i;
      }
    }
    return -1;
  }

  #lastPrefetchSlot(): number {
    let slot = -1;
    for (let i = 0; i < this.#freeAt.length; i++) {
      if (this.#prefetched[i]! >= 0 && (slot < 0 || this.#freeAt[i]! > this.#freeAt[slot]!)) slot = i;
    }
    return slot;
  }

  #firstToBeFree(): number {
    assert(this.#freeAt.length > 0, 'an origin with limited slots has at least one');
    let slot = 0;
    for (let i = 1; i < this.#freeAt.length; i++) if (this.#freeAt[i]! < this.#freeAt[slot]!) slot = i;
    return slot;
  }
}

/** The origin that a `--latency` describes. */
export function createOrigin(spec: LatencySpec, seed: number): Origin {
  switch (spec.kind) {
    case 'instant':
      return new InstantOrigin();
    case 'requests':
      return new RequestCountOrigin(spec.requests);
    case 'time':
      return new TimedOrigin(spec, seed);
  }
}
