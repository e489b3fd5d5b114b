/** Names to dense ids: one open-addressing table over typed arrays, verified against the bytes it keeps. */

import { assert } from '../engine/assert.ts';
import { AnteroomError } from '../engine/errors.ts';
import type { StateFields } from '../engine/state-fields.ts';
import { isEqual, viewOf } from './name-bytes.ts';
import { escapeBytes, escapeLiteral, hasEscape, unescapeBytes } from './name-escapes.ts';
import { hashBytes, hashNumber } from './name-hash.ts';
import type { NameInterner } from './name-table.ts';

/** What an interner is built from. */
export interface InternerOptions {
  /** How many names to expect; tables start there and double. Default 1024. */
  readonly countHint?: number;
  /** Names beyond it are refused with AnteroomError('limit'), never merged or dropped. Default 2^31 - 1, the most that ids have room for. */
  readonly countMax?: number;
  /** Start of the hash. Ids do not depend on it; a node that takes names from strangers draws one, against chosen collisions. Default 0. */
  readonly seed?: number;
}

const COUNT_MAX = 2 ** 31 - 1;
const CHUNK_BYTES_MIN = 1 << 12;
const CHUNK_BYTES_MAX = 1 << 20;
/** As a name's length: it is a canonical decimal number, kept as its two halves. */
const IS_NUMBER = -1;
/** Where a name lies: three words, side by side so that checking a name touches one cache line. */
const LENGTH = 0;
const HIGH = 1;
const LOW = 2;
const STRIDE = 3;
const TWO_32 = 2 ** 32;
const DIGIT_0 = 0x30;
/** Names of a column that are hashed before the first of them is looked up. */
const BLOCK_NAMES = 256;
/** As a length in a block: no name. */
const IS_ABSENT = -2;

/**
 * Gives each name a dense id, in order of first appearance.
 *
 * Algorithm: linear probing over pairs (32-bit hash, id + 1) at a load of at most 5/8; the hash only filters, equality is
 * always decided on the kept bytes, so two names never merge. A name that is a canonical decimal below 2^64 (no sign, no
 * leading zero) is kept as its two 32-bit halves instead of bytes, so numbers of binary formats and digits of text formats
 * share one entry and cost no arena; "007" and "7" stay two names.
 *
 * Cost: O(length) a call. Memory: 12 bytes of columns and 8 / load bytes of table (13-26) a name, columns doubling, so
 * 25-50 bytes for a number; other names add their bytes, kept in chunks of up to 1 MiB that are never moved.
 * Gets wrong: nothing is ever forgotten; memory grows with distinct names. The hash is not secret without a `seed`.
 * Longer than most files: single names and columns of them go through one table, whose layout only this class knows.
 */
export class Interner implements NameInterner {
  readonly #countMax: number;
  #seed: number;
  /** Pairs: hash, id + 1 (0 = free). */
  #table: Int32Array;
  #mask: number;
  #growAt: number;
  #count = 0;
  /** Triples by id: bytes or IS_NUMBER; high half of a number or arena chunk; low half of a number or offset in the chunk. */
  #names: Int32Array;
  #chunks: Uint8Array[] = [];
  /** The chunks again, to compare four bytes at a time. */
  #chunkViews: DataView[] = [];
  #chunkUsed = 0;
  /** The last two arrays that names came in (a piece of input, and a scratch buffer for quoted ones), and views of them. */
  #source = new Uint8Array(0);
  #sourceView = viewOf(this.#source);
  #sourceBefore = this.#source;
  #sourceBeforeView = this.#sourceView;
  #scratch = new Uint8Array(256);
  #block: NameBlock | null = null;
  #touched = 0;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(options: InternerOptions = {}) {
    const hint = options.countHint ?? 1024;
    this.#countMax = options.countMax ?? COUNT_MAX;
    assert(Number.isInteger(hint) && hint >= 0 && hint <= COUNT_MAX, `countHint ${hint} is not a count`);
    assert(
      Number.isInteger(this.#countMax) && this.#countMax >= 0 && this.#countMax <= COUNT_MAX,
      `countMax ${this.#countMax} is not in 0..2^31-1`,
    );
    this.#seed = (options.seed ?? 0) | 0;
    let slots = 16;
    while (slots * 5 < hint * 8) slots *= 2;
    this.#table = new Int32Array(slots * 2);
    this.#mask = slots - 1;
    this.#growAt = (slots / 8) * 5;
    const capacity = Math.max(16, hint);
    this.#names = new Int32Array(capacity * STRIDE);
  }

  get seed(): number {
    return this.#seed;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes held by tables, columns and arena. */
  get byteLength(): number {
    let bytes = this.#table.byteLength + this.#names.byteLength;
    for (const chunk of this.#chunks) bytes += chunk.byteLength;
    return bytes;
  }

  internBytes(bytes: Uint8Array, start: number, end: number): number {
    if (isDecimal(bytes, start, end)) return this.#number(decimalHigh | 0, decimalLow | 0, true);
    return this.#text(bytes, start, end, true);
  }

  /** Hashes a block of names and touches the slots that these lead to, so that the loads overlap, before it looks any of them up. */
  internColumn(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    count: number,
    ids: Int32Array,
    hashes: Int32Array | null = null,
  ): void {
    if (bytes !== this.#source) this.#turnTo(bytes);
    for (let from = 0; from < count; from += BLOCK_NAMES) {
      const length = Math.min(count - from, BLOCK_NAMES);
      this.#hashBlock(bytes, starts, ends, hashes, from, length);
      this.#findBlock(length);
      this.#lookUpBlock(bytes, starts, from, length, ids);
    }
  }

  #hashBlock(
    bytes: Uint8Array,
    starts: Int32Array,
    ends: Int32Array,
    known: Int32Array | null,
    first: number,
    count: number,
  ): void {
    this.#block ??= new NameBlock();
    const { hash: hashes, length: lengths, high: highs, low: lows } = this.#block;
    const view = this.#sourceView;
    const table = this.#table;
    const mask = this.#mask | 0;
    const seed = this.#seed | 0;
    const byteCount = bytes.length | 0;
    const from = first | 0;
    const to = count | 0;
    let touched = 0;
    for (let i = 0; i < to; i++) {
      const start = starts[from + i]!;
      const end = ends[from + i]!;
      if (start < 0) {
        lengths[i] = IS_ABSENT;
        continue;
      }
      if (start > end || end > byteCount) assert(false, `bytes ${start}..${end} of ${byteCount}`);
      let hash: number;
      // Most names are told from numbers by their first byte, without a call.
      const first = start < end ? bytes[start]! - DIGIT_0 : -1;
      if (first >= 0 && first <= 9 && isDecimal(bytes, start, end)) {
        lengths[i] = IS_NUMBER;
        highs[i] = decimalHigh;
        lows[i] = decimalLow;
        hash = hashNumber(decimalHigh, decimalLow, seed);
      } else {
        lengths[i] = end - start;
        hash = known === null ? hashBytes(view, start, end, seed) : known[from + i]!;
      }
      hashes[i] = hash;
      touched ^= table[(hash & mask) * 2 + 1]!;
    }
    this.#touched ^= touched; // keeps the loads alive
  }

  /** Finds the entry that each hash leads to, and touches where its name lies. */
  #findBlock(count: number): void {
    const { hash: hashes, length: lengths, entry: entries } = this.#block!;
    const table = this.#table;
    const names = this.#names;
    const mask = this.#mask | 0;
    const to = count | 0;
    let touched = 0;
    for (let i = 0; i < to; i++) {
      const hash = hashes[i]!;
      let entry = 0;
      if (lengths[i] !== IS_ABSENT) {
        let slot = hash & mask;
        entry = table[slot * 2 + 1]!;
        while (entry !== 0 && table[slot * 2] !== hash) {
          slot = (slot + 1) & mask;
          entry = table[slot * 2 + 1]!;
        }
        if (entry !== 0) touched ^= names[(entry - 1) * STRIDE + LOW]!;
      }
      entries[i] = entry;
    }
    for (let i = 0; i < to; i++) {
      if (entries[i] === 0 || lengths[i]! < 4) continue;
      const at = (entries[i]! - 1) * STRIDE;
      if (names[at + LENGTH] === lengths[i]) touched ^= this.#chunkViews[names[at + HIGH]!]!.getUint8(names[at + LOW]!);
    }
    this.#touched ^= touched; // keeps the loads alive
  }

  #lookUpBlock(bytes: Uint8Array, starts: Int32Array, first: number, count: number, ids: Int32Array): void {
    const { length: lengths, high: highs, low: lows, entry: entries } = this.#block!;
    const view = this.#sourceView;
    const chunks = this.#chunkViews;
    const from = first | 0;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const length = lengths[i]!;
      const entry = entries[i]!;
      const start = starts[from + i]!;
      let id = -1;
      if (entry !== 0) {
        const names = this.#names;
        const at = (entry - 1) * STRIDE;
        if (names[at + LENGTH]! === length) {
          const high = names[at + HIGH]!;
          const low = names[at + LOW]!;
          const isSame =
            length === IS_NUMBER
              ? high === highs[i]! && low === lows[i]!
              : isEqual(chunks[high]!, low, view, start, length);
          if (isSame) id = entry - 1;
        }
      }
      if (id < 0 && length !== IS_ABSENT)
        id =
          length === IS_NUMBER
            ? this.#number(highs[i]!, lows[i]!, true)
            : this.#text(bytes, start, start + length, true);
      ids[from + i] = id;
    }
  }

  internU64(high: number, low: number): number {
    return this.#number(high | 0, low | 0, true);
  }

  internString(name: string): number {
    const length = this.#encode(name);
    return this.internBytes(this.#scratch, 0, length);
  }

  /** Interns a name as `nameOf` writes it: its escapes are taken as the bytes that they stand for. */
  internName(name: string): number {
    if (!hasEscape(name)) return this.internString(name);
    const bytes = unescapeBytes(name);
    return this.internBytes(bytes, 0, bytes.length);
  }

  /** As `internBytes`, but an unknown name gives -1 instead of an id. */
  findBytes(bytes: Uint8Array, start: number, end: number): number {
    if (isDecimal(bytes, start, end)) return this.#number(decimalHigh | 0, decimalLow | 0, false);
    return this.#text(bytes, start, end, false);
  }

  /** As `internU64`, but an unknown number gives -1. */
  findU64(high: number, low: number): number {
    return this.#number(high | 0, low | 0, false);
  }

  /**
   * The id of a name as `nameOf` writes it, or as the source wrote it; -1 when unknown. Where the two readings name two ids
   * (a source that holds the text `\xff` and the byte ff), the one that `nameOf` writes so wins.
   */
  idOf(name: string): number {
    if (hasEscape(name)) {
      const bytes = unescapeBytes(name);
      const id = this.findBytes(bytes, 0, bytes.length);
      if (id >= 0) return id;
    }
    const length = this.#encode(name);
    return this.findBytes(this.#scratch, 0, length);
  }

  /**
   * The name as text; no two ids give the same. Bytes that are not UTF-8 are written `\xNN` (lower case), and in a name that
   * holds such a sequence literally its backslash is written `\x5c`.
   */
  nameOf(id: number): string {
    assert(id >= 0 && id < this.#count, `id ${id} was not given out (count ${this.#count})`);
    if (this.#names[id * STRIDE + LENGTH]! === IS_NUMBER)
      return decimalText(this.#names[id * STRIDE + HIGH]! >>> 0, this.#names[id * STRIDE + LOW]! >>> 0);
    const bytes = this.bytesOf(id);
    try {
      return escapeLiteral(this.#decoder.decode(bytes));
    } catch {
      return escapeBytes(bytes);
    }
  }

  /** How many bytes a name has. */
  byteLengthOf(id: number): number {
    const length = this.#names[id * STRIDE + LENGTH]!;
    return length === IS_NUMBER ? this.bytesOf(id).length : length;
  }

  /** The bytes of a name, as interned. Names in the arena are views: read, do not write. */
  bytesOf(id: number): Uint8Array {
    assert(id >= 0 && id < this.#count, `id ${id} was not given out (count ${this.#count})`);
    const length = this.#names[id * STRIDE + LENGTH]!;
    if (length === IS_NUMBER)
      return this.#encoder.encode(
        decimalText(this.#names[id * STRIDE + HIGH]! >>> 0, this.#names[id * STRIDE + LOW]! >>> 0),
      );
    const offset = this.#names[id * STRIDE + LOW]!;
    return this.#chunks[this.#names[id * STRIDE + HIGH]!]!.subarray(offset, offset + length);
  }

  /** The number that a name is, exact up to 2^53 and rounded to the nearest double above; NaN when it is not a canonical decimal. */
  numberOf(id: number): number {
    assert(id >= 0 && id < this.#count, `id ${id} was not given out (count ${this.#count})`);
    return this.#names[id * STRIDE + LENGTH]! === IS_NUMBER
      ? (this.#names[id * STRIDE + HIGH]! >>> 0) * TWO_32 + (this.#names[id * STRIDE + LOW]! >>> 0)
      : Number.NaN;
  }

  /**
   * The table, its hashes and the names, to save or restore them: no name is hashed again, so the seed comes along. What a call works with
   * (#source, #sourceView, #sourceBefore, #sourceBeforeView, #scratch, #block, #touched, #encoder, #decoder) is no state, and #countMax is a setting.
   * @throws AnteroomError 'limit' for more names than this table may hold.
   */
  persist(fields: StateFields): void {
    const count = fields.number(this.#count);
    if (count > this.#countMax)
      throw new AnteroomError('limit', `a saved table has ${count} names, more than ${this.#countMax}`, {
        context: { countMax: this.#countMax },
      });
    this.#count = count;
    this.#seed = fields.number(this.#seed);
    this.#mask = fields.number(this.#mask);
    this.#growAt = fields.number(this.#growAt);
    this.#chunkUsed = fields.number(this.#chunkUsed);
    this.#table = fields.array(this.#table);
    this.#names = fields.array(this.#names);
    this.#chunks = [...fields.arrays(this.#chunks)] as Uint8Array[];
    if (fields.isRestoring) this.#chunkViews = this.#chunks.map(viewOf);
  }

  #number(high: number, low: number, isAdding: boolean): number {
    const hash = hashNumber(high, low, this.#seed);
    const table = this.#table;
    const names = this.#names;
    const mask = this.#mask;
    let slot = hash & mask;
    for (;;) {
      const entry = table[slot * 2 + 1]!;
      if (entry === 0) break;
      if (table[slot * 2]! === hash) {
        const at = (entry - 1) * STRIDE;
        if (names[at + LOW]! === low && names[at + HIGH]! === high && names[at + LENGTH]! === IS_NUMBER)
          return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
    if (!isAdding) return -1;
    return this.#add(slot, hash, IS_NUMBER, high, low);
  }

  #text(bytes: Uint8Array, start: number, end: number, isAdding: boolean): number {
    // Not an assert with a message: building the message on every call cost a third of the time of reading a log.
    if (!(start >= 0 && start <= end && end <= bytes.length))
      assert(false, `bytes ${start}..${end} of ${bytes.length}`);
    if (bytes !== this.#source) this.#turnTo(bytes);
    const view = this.#sourceView;
    const hash = hashBytes(view, start, end, this.#seed);
    const table = this.#table;
    const names = this.#names;
    const mask = this.#mask;
    const length = end - start;
    let slot = hash & mask;
    for (;;) {
      const entry = table[slot * 2 + 1]!;
      if (entry === 0) break;
      if (table[slot * 2]! === hash) {
        const at = (entry - 1) * STRIDE;
        if (
          names[at + LENGTH]! === length &&
          isEqual(this.#chunkViews[names[at + HIGH]!]!, names[at + LOW]!, view, start, length)
        )
          return entry - 1;
      }
      slot = (slot + 1) & mask;
    }
    if (!isAdding) return -1;
    const offset = this.#keep(bytes, start, end);
    return this.#add(slot, hash, length, this.#chunks.length - 1, offset);
  }

  /** Makes `#sourceView` a view of `bytes`. Making one costs more than interning a name, so two are kept. */
  #turnTo(bytes: Uint8Array): void {
    const source = this.#source;
    const view = this.#sourceView;
    const isBefore = bytes === this.#sourceBefore;
    this.#source = bytes as Uint8Array<ArrayBuffer>;
    this.#sourceView = isBefore ? this.#sourceBeforeView : viewOf(bytes);
    this.#sourceBefore = source;
    this.#sourceBeforeView = view;
  }

  #add(slot: number, hash: number, length: number, high: number, low: number): number {
    const id = this.#count;
    if (id >= this.#countMax)
      throw new AnteroomError('limit', `more than ${this.#countMax} distinct names`, {
        context: { countMax: this.#countMax },
      });
    const at = id * STRIDE;
    if (at === this.#names.length) {
      const names = new Int32Array(at * 2);
      names.set(this.#names);
      this.#names = names;
    }
    this.#names[at + LENGTH] = length;
    this.#names[at + HIGH] = high;
    this.#names[at + LOW] = low;
    this.#table[slot * 2] = hash;
    this.#table[slot * 2 + 1] = id + 1;
    this.#count = id + 1;
    if (this.#count >= this.#growAt) this.#grow();
    return id;
  }

  /** Doubles the table. Entries go to their slot or to its upper twin, so the copy walks memory nearly in order. */
  #grow(): void {
    const old = this.#table;
    const slots = (this.#mask + 1) * 2;
    const table = new Int32Array(slots * 2);
    const mask = slots - 1;
    for (let i = 0; i < old.length; i += 2) {
      const entry = old[i + 1]!;
      if (entry === 0) continue;
      const hash = old[i]!;
      let slot = hash & mask;
      while (table[slot * 2 + 1]! !== 0) slot = (slot + 1) & mask;
      table[slot * 2] = hash;
      table[slot * 2 + 1] = entry;
    }
    this.#table = table;
    this.#mask = mask;
    this.#growAt = (slots / 8) * 5;
  }

  /** Copies bytes, of which `#sourceView` is a view, to the arena; returns the offset in its last chunk. */
  #keep(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || this.#chunkUsed + length > chunk.length) {
      const doubled = chunk === undefined ? CHUNK_BYTES_MIN : Math.min(chunk.length * 2, CHUNK_BYTES_MAX);
      chunk = new Uint8Array(Math.max(doubled, length));
      this.#chunks.push(chunk);
      this.#chunkViews.push(viewOf(chunk));
      this.#chunkUsed = 0;
    }
    const offset = this.#chunkUsed;
    // Names of most logs are longer than a word and shorter than a call to copy them is worth.
    const kept = this.#chunkViews.at(-1)!;
    const view = this.#sourceView;
    let at = 0;
    for (const words = (length - 3) | 0; at < words; at = (at + 4) | 0)
      kept.setInt32(offset + at, view.getInt32(start + at, true), true);
    for (; at < length; at++) chunk[offset + at] = bytes[start + at]!;
    this.#chunkUsed = offset + length;
    return offset;
  }

  #encode(name: string): number {
    if (this.#scratch.length < name.length * 3) this.#scratch = new Uint8Array(name.length * 3);
    return this.#encoder.encodeInto(name, this.#scratch).written;
  }
}

/** Of a block of a column of names. */
class NameBlock {
  readonly hash = new Int32Array(BLOCK_NAMES);
  /** Bytes, IS_NUMBER or IS_ABSENT. */
  readonly length = new Int32Array(BLOCK_NAMES);
  /** Halves of numbers, as kept. */
  readonly high = new Int32Array(BLOCK_NAMES);
  readonly low = new Int32Array(BLOCK_NAMES);
  /** What the table holds for the hash: id + 1, or 0. */
  readonly entry = new Int32Array(BLOCK_NAMES);
}

// Results of isDecimal, kept beside it because a hot loop cannot afford to return an object.
let decimalHigh = 0;
let decimalLow = 0;

/** Whether the bytes are a canonical decimal below 2^64; its halves are left in `decimalHigh` and `decimalLow`. */
function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < 1 || length > 20) return false;
  const first = bytes[start]! - DIGIT_0;
  if (!(first >= 0 && first <= 9) || (first === 0 && length > 1)) return false;
  if (length <= 9) {
    let small = 0;
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - DIGIT_0;
      if (digit < 0 || digit > 9) return false;
      small = (small * 10 + digit) | 0;
    }
    decimalHigh = 0;
    decimalLow = small;
    return true;
  }
  // The last ten digits and those before them, each exact in a double.
  let top = 0;
  let bottom = 0;
  const cut = end - 10;
  for (let i = start; i < cut; i++) {
    const digit = bytes[i]! - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    top = top * 10 + digit;
  }
  for (let i = cut; i < end; i++) {
    const digit = bytes[i]! - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    bottom = bottom * 10 + digit;
  }
  // top * 10^10 in two 16-bit steps, so that no product passes 2^53.
  const topHigh = Math.floor(top / 65536) * 1e10;
  const middle = (topHigh % 65536) * 65536 + (top % 65536) * 1e10 + bottom;
  const high = Math.floor(topHigh / 65536) + Math.floor(middle / TWO_32);
  if (high >= TWO_32) return false;
  decimalHigh = high;
  decimalLow = middle >>> 0;
  return true;
}

function decimalText(high: number, low: number): string {
  if (high < 2 ** 21) return String(high * TWO_32 + low);
  return ((BigInt(high) << 32n) | BigInt(low)).toString();
}
