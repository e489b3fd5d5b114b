/** Names interned to dense ids, in order of first appearance. The contract; `Interner` implements it. */

/** Read side: what is known of the ids given out so far. */
export interface NameTable {
  /** How many ids were given out; ids are 0..count-1. */
  readonly count: number;
  /** The name of `id`, as the source wrote it (numbers in decimal). */
  nameOf(id: number): string;
  /** The id of `name`, or -1. */
  idOf(name: string): number;
}

/** Write side, used by readers. Two names get one id only if all their bytes are equal: a hash is never trusted. */
export interface NameInterner extends NameTable {
  /** Interns bytes [start, end) of `bytes` (UTF-8). */
  internBytes(bytes: Uint8Array, start: number, end: number): number;
  /** Interns the unsigned 64-bit number `high * 2^32 + low`; equals interning its decimal digits. */
  internU64(high: number, low: number): number;
  /** Interns a string; equals interning its UTF-8 bytes. */
  internString(name: string): number;
  /**
   * Interns a column of names, bytes [starts[i], ends[i]) for i in 0..count-1, in that order, and writes the ids; a start below
   * 0 is no name and gives -1. As so many calls of `internBytes`, but faster; an interner that has no such way leaves it out.
   * `hashes`: of the names by `hashBytes` with `seed`, where the caller has them.
   */
  internColumn?(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
    ids: Int32Array,
    hashes?: Int32Array | null,
  ): void;
  /** Start of the hash of names. */
  readonly seed?: number;
}
