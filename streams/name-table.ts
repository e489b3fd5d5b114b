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
}
