/** One byte a segment: at the site for certain, or on its way there, so that most candidates are dismissed with one look. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** In the reactive cache; queued, in flight or staged. */
export const RESIDENT = 1;
export const HELD = 2;

/**
 * A mirror of the site, kept by the near loop from what it is told: resident from each demand to the eviction, held from the sending of a
 * prefetch to its end. Clear means unknown, and whoever finds it clear asks the site, until the mirror is made exact.
 */
export class ResidentFlags {
  #flags: Uint8Array = new Uint8Array(1024);

  get bytes(): number {
    return this.#flags.byteLength;
  }

  /** A byte a segment, 0 = unknown; what lies beyond is unknown too. Replaced when the table grows. */
  get flags(): Uint8Array {
    return this.#flags;
  }

  /** Goes on in `flags`, which must hold what {@link flags} does. */
  adopt(flags: Uint8Array): void {
    this.#flags = flags;
  }

  has(segment: number): boolean {
    // Compared first: a read beyond the end would make every read slower.
    return segment < this.#flags.length && this.#flags[segment] !== 0;
  }

  set(segment: number): void {
    if (segment >= this.#flags.length) {
      const flags = new Uint8Array(Math.max(this.#flags.length * 2, segment + 1));
      flags.set(this.#flags);
      this.#flags = flags;
    }
    this.#flags[segment] = RESIDENT;
  }

  clear(segment: number): void {
    if (segment < this.#flags.length) this.#flags[segment] = 0;
  }

  /** A prefetch of the segment was sent or queued; where it was never asked for, the table does not grow for it. */
  hold(segment: number): void {
    if (segment < this.#flags.length) this.#flags[segment] = HELD;
  }

  /** That prefetch has ended. */
  release(segment: number): void {
    if (segment < this.#flags.length && this.#flags[segment] === HELD) this.#flags[segment] = 0;
  }

  /** Asks the site about each that is clear: from then on, until this is read anew, what is clear here and was ever demanded is not there. */
  makeExact(isResident: (segment: number) => boolean): void {
    const flags = this.#flags;
    for (let segment = 0; segment < flags.length; segment++) {
      if (flags[segment] === 0 && isResident(segment)) flags[segment] = HELD;
    }
  }

  save(writer: SnapshotWriter): void {
    // What is on its way now need not be when this is read: unknown.
    writer.array(this.#flags.map((flag) => (flag === HELD ? 0 : flag)));
  }

  load(reader: SnapshotReader): void {
    this.#flags = reader.array(this.#flags);
  }
}
