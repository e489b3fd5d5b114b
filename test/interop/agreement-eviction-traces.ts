/** Minimal readers for the agreement tests: on purpose not the product's own, so that the two check each other. */

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';

const shared = new URL('../../../shared/', import.meta.url);

export const isSharedPresent = existsSync(new URL('peers.tsv', shared));

/** Dense ids in order of first access, and the size each access asked for. */
export interface SizedTrace {
  readonly segments: Int32Array;
  readonly sizes: Float64Array;
}

/** The objects of a `traces/*.csv.gz` as dense ids. */
export function readCsvSegments(trace: string): Int32Array {
  return readCsvNumbers(trace).segments;
}

/** The same with the number that each id has in the file. */
export function readCsvNumbers(trace: string): { readonly segments: Int32Array; readonly numbers: readonly number[] } {
  const bytes = gunzipSync(readFileSync(new URL(`traces/${trace}.csv.gz`, shared)));
  const dense = new Map<number, number>();
  const segments: number[] = [];
  for (let at = bytes.indexOf(10) + 1; at < bytes.length; ) {
    const end = bytes.indexOf(10, at) < 0 ? bytes.length : bytes.indexOf(10, at);
    // The object is the third column: t_ms,client,object,...
    let object = 0;
    for (let i = bytes.indexOf(44, bytes.indexOf(44, at) + 1) + 1; bytes[i] !== 44; i++)
      object = object * 10 + bytes[i] - 48;
    segments.push(denseIdOf(dense, object));
    at = end + 1;
  }
  return { segments: Int32Array.from(segments), numbers: [...dense.keys()] };
}

/** oracleGeneral: 24 bytes a record, u32 time, u64 id, u32 size, i64 next access. */
export function readOracleGeneral(): SizedTrace {
  const bytes = decompress(readFileSync(new URL('traces/native/cloudPhysicsIO.oracleGeneral.zst', shared)));
  return readRecords(bytes, 24, 4, 12);
}

/** VSCSI version 1: 32 bytes a record, length in bytes at 4, first sector at 16. */
export function readVscsi(): SizedTrace {
  return readRecords(readFileSync(new URL('traces/native/cloudPhysicsIO.vscsi', shared)), 32, 16, 4);
}

/** A cell of `peers.tsv` without a prefetcher. */
export interface PeerCell {
  readonly trace: string;
  readonly requestCount: number;
  readonly cacheSegments: number;
  readonly eviction: string;
  readonly missCount: number;
}

export function readPeerCells(): readonly PeerCell[] {
  const [, ...rows] = readFileSync(new URL('peers.tsv', shared), 'utf8').trim().split('\n');
  return rows
    .map((row) => row.split('\t'))
    .filter((columns) => columns[6] === '-')
    .map(([trace, requests, , , cacheSegments, eviction, , , misses]) => ({
      trace,
      requestCount: Number(requests),
      cacheSegments: Number(cacheSegments),
      eviction,
      missCount: Number(misses),
    }));
}

function readRecords(bytes: Uint8Array, recordBytes: number, idAt: number, sizeAt: number): SizedTrace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / recordBytes;
  const dense = new Map<bigint, number>();
  const segments = new Int32Array(count);
  const sizes = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    segments[i] = denseIdOf(dense, view.getBigUint64(i * recordBytes + idAt, true));
    sizes[i] = view.getUint32(i * recordBytes + sizeAt, true);
  }
  return { segments, sizes };
}

function denseIdOf<K>(dense: Map<K, number>, key: K): number {
  let id = dense.get(key);
  if (id === undefined) {
    id = dense.size;
    dense.set(key, id);
  }
  return id;
}
