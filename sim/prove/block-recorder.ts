/** Looks on while a run is served and keeps what it cost, by block of the log and by part of the traffic. */

import { LatencyHistogram } from '../../actors/cache-manager/latency-histogram.ts';
import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { assert } from '../../engine/assert.ts';
import type { Partition } from './parts.ts';

/** Columns kept of each block: how many accesses, and what they cost. */
export const Cost = { accesses: 0, misses: 1, wait: 2, requests: 3, bytes: 4, stagedByteMs: 5 } as const;
export const costColumns = 6;

/**
 * A demand belongs to the block and the part of its access; what was sent, and space that was given up, to the access after which that was: not to
 * the one that profits. Waits are kept of the blocks that judge. O(1) per access; memory: 48 bytes for each block and part.
 */
export class BlockRecorder {
  /** Row-major, a row a block. */
  readonly blocks: Float64Array;
  /** By part, as `blocks`. */
  readonly parts: readonly Float64Array[];
  /** Of demands from block `judgedFrom` on. */
  readonly waits = new LatencyHistogram();
  readonly #judgedFrom: number;
  readonly #start: number;
  readonly #blockLength: number;
  readonly #blockCount: number;
  readonly #partition: Partition;
  #block = 0;
  /** Parts of the latest access. */
  #op = -1;
  #site = -1;
  #consumer = -1;
  #ledger: Ledger | null = null;
  #accesses = 0;
  #misses = 0;
  #wait = 0;
  #demandFetches = 0;
  #demandBytes = 0;
  #issued = 0;
  #prefetchBytes = 0;
  #stagedByteMs = 0;

  /** @param start log position of the first block; what comes before is not kept. */
  constructor(start: number, blockLength: number, blockCount: number, partition: Partition, judgedFrom = 0) {
    this.#judgedFrom = judgedFrom;
    this.#start = start;
    this.#blockLength = blockLength;
    this.#blockCount = blockCount;
    this.#partition = partition;
    this.blocks = new Float64Array(blockCount * costColumns);
    this.parts = partition.parts.map(() => new Float64Array(blockCount * costColumns));
  }

  /** Looks on at `site` from now on, by its prefetcher's eyes. */
  watch(site: Site): void {
    const { prefetcher, ledger } = site;
    assert(prefetcher !== null, 'a site without a prefetcher tells of no access');
    this.#ledger = ledger;
    const inner = prefetcher.onAccess.bind(prefetcher);
    prefetcher.onAccess = (access, served, proposals) => {
      this.#observe(access.position, access.op, access.site, access.consumer);
      inner(access, served, proposals);
    };
  }

  /** The run is over: what was counted since the last access belongs to it. */
  close(): void {
    this.#addPrefetches();
    this.#addDemand();
  }

  #observe(position: number, op: number, site: number, consumer: number): void {
    const block = Math.floor((position - this.#start) / this.#blockLength);
    this.#addPrefetches();
    // Rows beyond the last whole block belong to it.
    this.#block = Math.min(block, this.#blockCount - 1);
    const { ofOp, ofSite, ofConsumer } = this.#partition;
    this.#op = ofOp[op] ?? -1;
    this.#site = ofSite[site + 1] ?? -1;
    this.#consumer = ofConsumer[consumer + 1] ?? -1;
    this.#addDemand();
  }

  #addDemand(): void {
    const ledger = this.#ledger!;
    const accesses = ledger.accesses - this.#accesses;
    const misses = ledger.misses - this.#misses;
    const wait = ledger.waits.sum - this.#wait;
    const requests = ledger.demandFetches - this.#demandFetches;
    const bytes = ledger.demandBytes - this.#demandBytes;
    this.#accesses = ledger.accesses;
    this.#misses = ledger.misses;
    this.#wait = ledger.waits.sum;
    this.#demandFetches = ledger.demandFetches;
    this.#demandBytes = ledger.demandBytes;
    if (this.#block < 0) return;
    this.#add(accesses, misses, wait, requests, bytes, 0);
    // A sum of many errs in its last bits; a wait has fewer digits than that.
    if (accesses > 0 && this.#block >= this.#judgedFrom) this.waits.add(Math.max(0, Math.round(wait * 1e6) / 1e6));
  }

  #addPrefetches(): void {
    const ledger = this.#ledger!;
    const requests = ledger.issued - this.#issued;
    const bytes = ledger.prefetchBytes - this.#prefetchBytes;
    const stagedByteMs = ledger.stagedByteMs - this.#stagedByteMs;
    if (requests === 0 && stagedByteMs === 0) return;
    this.#issued = ledger.issued;
    this.#prefetchBytes = ledger.prefetchBytes;
    this.#stagedByteMs = ledger.stagedByteMs;
    if (this.#block >= 0) this.#add(0, 0, 0, requests, bytes, stagedByteMs);
  }

  #add(accesses: number, misses: number, wait: number, requests: number, bytes: number, stagedByteMs: number): void {
    const at = this.#block * costColumns;
    addTo(this.blocks, at, accesses, misses, wait, requests, bytes, stagedByteMs);
    const { parts } = this;
    if (this.#op >= 0) addTo(parts[this.#op]!, at, accesses, misses, wait, requests, bytes, stagedByteMs);
    if (this.#site >= 0) addTo(parts[this.#site]!, at, accesses, misses, wait, requests, bytes, stagedByteMs);
    if (this.#consumer >= 0) addTo(parts[this.#consumer]!, at, accesses, misses, wait, requests, bytes, stagedByteMs);
  }
}

function addTo(
  rows: Float64Array,
  at: number,
  accesses: number,
  misses: number,
  wait: number,
  requests: number,
  bytes: number,
  stagedByteMs: number,
): void {
  rows[at + Cost.accesses]! += accesses;
  rows[at + Cost.misses]! += misses;
  rows[at + Cost.wait]! += wait;
  rows[at + Cost.requests]! += requests;
  rows[at + Cost.bytes]! += bytes;
  rows[at + Cost.stagedByteMs]! += stagedByteMs;
}
