/** One byte a segment: resident in the reactive cache for certain, so that most candidates are dismissed with one look. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/**
 * A mirror of the reactive cache, kept by the near loop from what it is told: set at each demand, cleared at each eviction.
 * Clear means unknown: whoever finds it clear asks the site.
 */
export class ResidentFlags {
  #flags: Uint8Array = new Uint8Array(1024);

  get bytes(): number {
    return this.#flags.byteLength;
  }

  /** A byte a segment; what lies beyond is not resident. Replaced when the table grows. */
  get flags(): Uint8Array {
    return this.#flags;
  }

  /** Goes on in `flags`, which must hold what {@link flags} does. */
  adopt(flags: Uint8Array): void {
    this.#flags = flags;
  }

  has(segment: number): boolean {
    // Compared first: a read beyond the end would make every read slower.
    return segment < this.#flags.length && this.#flags[segment] === 1;
  }

  set(segment: number): void {
    if (segment >= this.#flags.length) {
      const flags = new Uint8Array(Math.max(this.#flags.length * 2, segment + 1));
      flags.set(this.#flags);
      this.#flags = flags;
    }
    this.#flags[segment] = 1;
  }

  clear(segment: number): void {
    if (segment < this.#flags.length) this.#flags[segment] = 0;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#flags);
  }

  load(reader: SnapshotReader): void {
    this.#flags = reader.array(this.#flags);
  }
}
