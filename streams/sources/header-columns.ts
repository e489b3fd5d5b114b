/** Where the named columns of a csv header stand, for formats whose published columns came in several orders. */

import { type Fields, textOf } from './line-records.ts';

/** Column indices by name; -1 where the header does not have it. */
export class HeaderColumns {
  readonly count: number;
  readonly #indices = new Map<string, number>();

  /** From the fields of the header line. */
  constructor(bytes: Uint8Array, fields: Fields) {
    this.count = fields.count;
    const kept = Math.min(fields.count, fields.starts.length);
    for (let i = 0; i < kept; i++) {
      const name = textOf(bytes, fields.starts[i]!, fields.ends[i]!).trim().replaceAll('"', '').toLowerCase();
      if (!this.#indices.has(name)) this.#indices.set(name, i);
    }
  }

  /** Index of the first of `names` that is there, or -1. */
  indexOf(...names: readonly string[]): number {
    for (const name of names) {
      const index = this.#indices.get(name);
      if (index !== undefined) return index;
    }
    return -1;
  }
}
