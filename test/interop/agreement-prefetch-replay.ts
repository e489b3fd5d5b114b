/** A replay as the published figures assume it: unit or frozen sizes, plain LRU, a prefetch lands at once. Not the product's. */

import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { type AccessCursor, type Prefetcher, ProposalBuffer, Served } from '../../actors/prefetcher.ts';

export const sharedFolder = '../shared';

export interface Trace {
  /** Dense ids by first appearance. */
  readonly segment: Uint32Array;
  /** Null = every segment counts as 1. */
  readonly sizeBytes: Float64Array | null;
  readonly segmentCount: number;
}

export interface Counts {
  readonly misses: number;
  readonly prefetches: number;
  readonly useful: number;
}

/** Ids of the third column of a `*.csv.gz` of the shared traces, numbered by first appearance. Null where it is absent. */
export function readTrace(name: string): Trace | null {
  const path = `${sharedFolder}/traces/${name}.csv.gz`;
  if (!existsSync(path)) return null;
  const bytes = gunzipSync(readFileSync(path));
  const ids = new Map<number, number>();
  let segment = new Uint32Array(1 << 16);
  let count = 0;
  let at = bytes.indexOf(10) + 1;
  while (at < bytes.length) {
    let comma = 0;
    let id = 0;
    for (; at < bytes.length && bytes[at] !== 10; at++) {
      if (bytes[at] === 44) comma++;
      else if (comma === 2) id = id * 10 + (bytes[at] as number) - 48;
    }
    at++;
    let dense = ids.get(id);
    if (dense === undefined) {
      dense = ids.size;
      ids.set(id, dense);
    }
    if (count === segment.length) {
      const longer = new Uint32Array(count * 2);
      longer.set(segment);
      segment = longer;
    }
    segment[count++] = dense;
  }
  return { segment: segment.subarray(0, count), sizeBytes: null, segmentCount: ids.size };
}

/** The oracle of the published byte-sized figures, ids as addresses. Null where it is absent. */
export function readOracle(): (Trace & { readonly address: Float64Array }) | null {
  const path = `${sharedFolder}/traces/native/cloudPhysicsIO.oracleGeneral.zst`;
  if (!existsSync(path)) return null;
  const bytes = decompress(readFileSync(path));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / 24;
  const segment = new Uint32Array(count);
  const sizeBytes = new Float64Array(count);
  const address: number[] = [];
  const ids = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const id = view.getUint32(i * 24 + 4, true) + view.getUint32(i * 24 + 8, true) * 2 ** 32;
    let dense = ids.get(id);
    if (dense === undefined) {
      dense = ids.size;
      ids.set(id, dense);
      address.push(id);
    }
    segment[i] = dense;
    sizeBytes[i] = view.getUint32(i * 24 + 12, true);
  }
  return { segment, sizeBytes, segmentCount: ids.size, address: Float64Array.from(address) };
}

/** LRU over dense ids with sizes: a linked list in two arrays. `onEvict` true = the victim enters again at the head. */
class Lru {
  readonly #size: Float64Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #capacity: number;
  #used = 0;
  onEvict: (segment: number) => boolean = () => false;

  constructor(capacity: number, segmentCount: number) {
    this.#capacity = capacity;
    this.#size = new Float64Array(segmentCount);
    // The entry behind the last segment is the sentinel: next = most recent, previous = least recent.
    this.#next = new Int32Array(segmentCount + 1).fill(segmentCount);
    this.#previous = new Int32Array(segmentCount + 1).fill(segmentCount);
  }

  has(segment: number): boolean {
    return this.#size[segment] !== 0;
  }

  touch(segment: number): void {
    this.#unlink(segment);
    this.#link(segment);
  }

  insert(segment: number, size: number): void {
    const sentinel = this.#next.length - 1;
    while (this.#used + size > this.#capacity) {
      const victim = this.#previous[sentinel] as number;
      const victimSize = this.#size[victim] as number;
      this.#unlink(victim);
      this.#used -= victimSize;
      this.#size[victim] = 0;
      if (this.onEvict(victim)) this.insert(victim, victimSize);
    }
    this.#used += size;
    this.#size[segment] = size;
    this.#link(segment);
  }

  #link(segment: number): void {
    const sentinel = this.#next.length - 1;
    const head = this.#next[sentinel] as number;
    this.#next[segment] = head;
    this.#previous[segment] = sentinel;
    this.#previous[head] = segment;
    this.#next[sentinel] = segment;
  }

  #unlink(segment: number): void {
    const next = this.#next[segment] as number;
    const previous = this.#previous[segment] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }
}

/** Replays `trace`. `order` of the insertions of one access: as proposed (best first) or the other way round (best last). */
export function replay(
  trace: Trace,
  capacity: number,
  prefetcher: Prefetcher | null,
  order: 'best-first' | 'best-last' = 'best-first',
): Counts {
  const cache = new Lru(capacity, trace.segmentCount);
  const isUnused = new Uint8Array(trace.segmentCount);
  const lastSize = new Float64Array(trace.segmentCount).fill(1);
  const proposals = new ProposalBuffer();
  const cursor: AccessCursor = {
    position: 0,
    timeMs: Number.NaN,
    segment: 0,
    consumer: -1,
    site: -1,
    op: 0,
    sizeBytes: 1,
  };
  let misses = 0;
  let prefetches = 0;
  let useful = 0;
  cache.onEvict = (segment) => {
    const isKept = prefetcher?.onEvict?.(segment, isUnused[segment] === 1) === true;
    if (!isKept) isUnused[segment] = 0;
    return isKept;
  };
  for (let position = 0; position < trace.segment.length; position++) {
    const segment = trace.segment[position] as number;
    const size = trace.sizeBytes === null ? 1 : (trace.sizeBytes[position] as number);
    lastSize[segment] = size;
    let served: number = Served.hit;
    if (cache.has(segment)) {
      cache.touch(segment);
      if (isUnused[segment] === 1) {
        served = Served.stagedHit;
        useful++;
      }
    } else {
      misses++;
      served = Served.miss;
      if (size <= capacity) cache.insert(segment, size);
    }
    isUnused[segment] = 0;
    if (prefetcher === null) continue;
    cursor.position = position;
    cursor.segment = segment;
    cursor.sizeBytes = size;
    proposals.count = 0;
    prefetcher.onAccess(cursor, served, proposals);
    for (let i = 0; i < proposals.count; i++) {
      const target = proposals.segment[order === 'best-first' ? i : proposals.count - 1 - i] as number;
      if (cache.has(target)) continue;
      const bytes = proposals.sizeBytes[i] as number;
      cache.insert(target, trace.sizeBytes !== null && bytes >= 0 ? bytes : (lastSize[target] as number));
      isUnused[target] = 1;
      prefetches++;
    }
  }
  return { misses, prefetches, useful };
}

/** A row of the peers' table. */
export interface PeerRow extends Counts {
  readonly trace: string;
  readonly requests: number;
  readonly capacity: number;
  readonly fraction: string;
  readonly prefetcher: string;
  readonly parameters: string;
}

/** The rows of `prefetcher` (`-` for none) on LRU, without those of a peer that broke. Empty where the table is absent. */
export function readPeers(prefetcher: string): PeerRow[] {
  const path = `${sharedFolder}/peers.tsv`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((cells) => cells[5] === 'lru' && cells[6] === prefetcher && cells[8] !== cells[1])
    .map((cells) => ({
      trace: cells[0] as string,
      requests: Number(cells[1]),
      capacity: Number(cells[4]),
      fraction: cells[3] as string,
      prefetcher,
      parameters: cells[7] as string,
      misses: Number(cells[8]),
      prefetches: Number(cells[9]),
      useful: Number(cells[10]),
    }));
}
