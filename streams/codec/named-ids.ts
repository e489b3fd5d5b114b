/** Rows with names to rows with ids: each distinct name of a batch is looked up once, all of a column together. */

import { ABSENT, AccessBatch } from '../access-batch.ts';
import type { NameInterner } from '../name-table.ts';
import { bufferOf } from '../sources/log-line.ts';
import { hashesOf } from './name-hashes.ts';
import type { NamedColumn, NamedRows, NameRun } from './named-rows.ts';

/** Where names become ids, and how many each table may hold. */
export interface NameTargets {
  readonly segments: NameInterner;
  readonly consumers: NameInterner;
  readonly sites: NameInterner;
  readonly segmentsMax: number;
  readonly consumersMax: number;
}

const BACKSLASH = 0x5c;

/**
 * The rows with ids of `targets`, the same that interning row by row gives; columns but the ids are shared. Null, and nothing interned, where
 * that is not so plain: a dictionary that does not stand in the order in which rows first use it, names with a backslash (they may be escapes),
 * offsets or indices beyond their bytes, no room for as many names as there might be.
 *
 * Each name is hashed and compared once a batch, in the blocks of `internColumn`. O(rows + bytes of the names).
 */
export function withIds(rows: NamedRows, targets: NameTargets): AccessBatch | null {
  const { segments, consumers, sites, segmentsMax, consumersMax } = targets;
  const isPlain =
    isFitting(rows.segment, segments, segmentsMax) &&
    isFitting(rows.consumer, consumers, consumersMax) &&
    isFitting(rows.site, sites, consumersMax);
  if (!isPlain) return null;
  const { length, timeMs, op, size, weight } = rows;
  const segment = new Uint32Array(length);
  const consumer = new Int32Array(length);
  const site = new Int32Array(length);
  mapped(rows.segment, interned(rows.segment.names, segments), segment);
  mapped(rows.consumer, interned(rows.consumer.names, consumers), consumer);
  mapped(rows.site, interned(rows.site.names, sites), site);
  return new AccessBatch(0, { timeMs, segment, consumer, site, op, size, weight });
}

function isFitting(column: NamedColumn, to: NameInterner, countMax: number): boolean {
  const { names } = column;
  return (
    to.internColumn !== undefined &&
    to.count + names.count <= countMax &&
    isWithin(names) &&
    isInOrderOfUse(column) &&
    // A Buffer looks for a byte many times as fast as a typed array.
    !bufferOf(names.bytes.subarray(names.offsets[0], names.offsets[names.count])).includes(BACKSLASH)
  );
}

/** Whether each name lies within the bytes. */
function isWithin({ bytes, offsets, count }: NameRun): boolean {
  let last = 0;
  for (let i = 0; i <= count; i++) {
    const offset = offsets[i]!;
    if (offset < last) return false;
    last = offset;
  }
  return last <= bytes.length;
}

/** Whether the rows use all names, and each for the first time after those before it. */
function isInOrderOfUse({ index, valid, names }: NamedColumn): boolean {
  // One kind of array for all columns, or the loop is compiled for several; who may be absent nowhere has no row below 0.
  const rows = asInts(index);
  const least = index instanceof Int32Array ? -(2 ** 31) : 0;
  let used = 0;
  for (let row = 0; row < rows.length; row++) {
    const name = rows[row]!;
    if (name < used && name >= least) continue;
    if (valid !== null && (valid[row >> 3]! & (1 << (row & 7))) === 0) continue;
    if (name !== used) return false;
    used++;
  }
  return used === names.count;
}

function interned(names: NameRun, to: NameInterner): Int32Array {
  const { bytes, offsets, count } = names;
  const ids = new Int32Array(count);
  const hashes = to.seed === undefined ? null : hashesOf(names, to.seed);
  to.internColumn!(bytes, offsets.subarray(0, count), offsets.subarray(1, count + 1), count, ids, hashes);
  return ids;
}

function mapped({ index, valid }: NamedColumn, ids: Int32Array, target: Uint32Array | Int32Array): void {
  // Rows that use all of no names have none.
  if (ids.length === 0) {
    target.fill(ABSENT);
    return;
  }
  const rows = asInts(index);
  const to = asInts(target);
  const count = rows.length;
  for (let row = 0; row < count; row++) {
    const name = rows[row]!;
    to[row] = name < 0 ? ABSENT : ids[name]!;
  }
  if (valid === null) return;
  for (let row = 0; row < count; row++) if ((valid[row >> 3]! & (1 << (row & 7))) === 0) to[row] = ABSENT;
}

function asInts(column: Uint32Array | Int32Array): Int32Array {
  return new Int32Array(column.buffer, column.byteOffset, column.length);
}
