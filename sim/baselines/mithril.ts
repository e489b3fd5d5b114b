/** Mithril: mines which segments of middling frequency were asked for in step, and stages the one with the other. */

import { z } from 'zod';
import { type AccessCursor, type Prefetcher, type ProposalBuffer, Served } from '../../actors/prefetcher.ts';
import { AssociationTable } from './association-table.ts';
import { grownInt32, grownUint8 } from './grown.ts';
import { type AssociationRule, MiningTable } from './mining-table.ts';
import { RecordingTable } from './recording-table.ts';

/** Settings of `mithril`, with the published defaults. */
export const mithrilParameters = z
  .strictObject({
    'lookahead-range': z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe('How far apart, in accesses, associated segments may lie.'),
    'min-support': z
      .int()
      .min(1)
      .max(255)
      .default(2)
      .describe('Recorded accesses that make a segment ripe for mining.'),
    'max-support': z
      .int()
      .min(1)
      .max(255)
      .default(8)
      .describe('Recorded accesses above which a segment is too frequent to be mined.'),
    confidence: z
      .int()
      .min(0)
      .max(255)
      .default(1)
      .describe('Pairs of times that may lie further apart than the lookahead.'),
    'pf-list-size': z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe('Targets kept for a source; a further one replaces the oldest.'),
    'rec-trigger': z
      .preprocess(
        (value) => (typeof value === 'string' ? value.replaceAll('_', '-') : value),
        z.enum(['miss', 'evict', 'miss-evict', 'each-req']),
      )
      .default('miss')
      .describe('What is recorded: misses, evictions, both, or every access.'),
    'mining-threshold': z
      .int()
      .min(2)
      .max(1_000_000)
      .default(5120)
      .describe('Mining starts when mining-threshold / min-support segments are ripe.'),
    'cycle-time': z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe('An unused prefetch leaves for good at this eviction; before that it is admitted again.'),
    'recording-rows': z
      .int()
      .min(1)
      .max(2 ** 26)
      .default(2 ** 20)
      .describe('Segments remembered that are not ripe yet; the oldest is forgotten first.'),
  })
  .refine((p) => p['max-support'] >= p['min-support'], 'max-support is at least min-support')
  .refine((p) => p['mining-threshold'] >= 2 * p['min-support'], 'mining-threshold is at least twice min-support');
export type MithrilParameters = z.output<typeof mithrilParameters>;

/**
 * Algorithm: Yang, Karimi, Saemundsson, Wildani and Vigfusson, "MITHRIL: Mining Sporadic Associations for Cache
 * Prefetching", SoCC 2017. A recorded access appends its time to the segment's row in the recording table; a row of
 * min-support times moves to the mining table, and one of more than max-support times is dropped as too frequent. When
 * the mining table is full, its rows are compared in order of their first times and the associated pairs enter the
 * prefetching table. Every access stages the targets of its segment. Nothing is scored and nothing ages, as in the
 * paper; an unused prefetch that is evicted gets cycle-time - 1 further stays, an idea the paper takes from AMP.
 *
 * Times are full log positions and ids are whole, so long runs do not wrap. Memory: 9 bytes for a distinct segment, the
 * two tables at their stated bounds, and 4 x pf-list-size bytes for a source. Cost: O(pf-list-size) per access, plus a
 * mining run once in many.
 */
export class MithrilPrefetcher implements Prefetcher {
  readonly name = 'mithril';
  readonly staging = 'shared';
  readonly experts: readonly string[] = ['mithril'];
  readonly #supportMin: number;
  readonly #cycleTime: number;
  readonly #recordsMiss: boolean;
  readonly #recordsHit: boolean;
  readonly #recordsEviction: boolean;
  readonly #rule: AssociationRule;
  readonly #recording: RecordingTable;
  readonly #mining: MiningTable;
  readonly #associations: AssociationTable;
  /** By segment: row + 1 in the recording table, -(row + 1) in the mining table, 0 in neither. */
  #place = new Int32Array(0);
  /** By segment: stays granted to a prefetch that was evicted unused. */
  #stayCount = new Uint8Array(0);
  #now = 0;

  constructor(parameters: MithrilParameters) {
    const trigger = parameters['rec-trigger'];
    this.#supportMin = parameters['min-support'];
    this.#cycleTime = parameters['cycle-time'];
    this.#recordsHit = trigger === 'each-req';
    this.#recordsMiss = trigger !== 'evict';
    this.#recordsEviction = trigger === 'evict' || trigger === 'miss-evict';
    this.#rule = { lookaheadRange: parameters['lookahead-range'], confidence: parameters.confidence };
    this.#recording = new RecordingTable(parameters['recording-rows'], Math.max(1, this.#supportMin - 1));
    this.#mining = new MiningTable(
      Math.floor(parameters['mining-threshold'] / this.#supportMin),
      parameters['max-support'],
    );
    this.#associations = new AssociationTable(parameters['pf-list-size']);
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const segment = access.segment;
    if (segment >= this.#place.length) this.#growSegments(segment + 1);
    this.#stayCount[segment] = 0;
    const isMiss = served === Served.miss || served === Served.late;
    if (isMiss ? this.#recordsMiss : this.#recordsHit) this.#record(segment);
    this.#now++;
    const associations = this.#associations;
    for (let i = 0; i < associations.listSize; i++) {
      const target = associations.targetOf(segment, i);
      if (target < 0) break;
      proposals.propose(target, -1, Number.NaN, 0);
    }
  }

  onEvict(segment: number, isUnused: boolean): boolean {
    if (segment >= this.#place.length) this.#growSegments(segment + 1);
    const stayCount = this.#stayCount[segment] as number;
    if (isUnused && stayCount < this.#cycleTime - 1) {
      this.#stayCount[segment] = stayCount + 1;
      return true;
    }
    this.#stayCount[segment] = 0;
    if (this.#recordsEviction) this.#record(segment);
    return false;
  }

  #record(segment: number): void {
    const place = this.#place[segment] as number;
    if (place < 0) {
      if (!this.#mining.append(-place - 1, this.#now)) this.#dropTooFrequent(segment, -place - 1);
    } else if (this.#supportMin === 1) {
      this.#ripen(segment, -1);
    } else if (place === 0) {
      const forgotten = this.#recording.forgottenNext;
      if (forgotten >= 0) this.#place[forgotten] = 0;
      const row = this.#recording.open(segment);
      this.#recording.append(row, this.#now);
      this.#place[segment] = row + 1;
    } else if (this.#recording.supportOf(place - 1) < this.#supportMin - 1) {
      this.#recording.append(place - 1, this.#now);
    } else {
      this.#ripen(segment, place - 1);
    }
  }

  /** Moves a segment into the mining table with the time of now, and mines when that fills it. */
  #ripen(segment: number, recordingRow: number): void {
    const row = this.#mining.open(segment);
    if (recordingRow >= 0) {
      for (let i = 0; i < this.#supportMin - 1; i++) this.#mining.append(row, this.#recording.timeOf(recordingRow, i));
      this.#recording.close(recordingRow);
    }
    this.#mining.append(row, this.#now);
    this.#place[segment] = -(row + 1);
    if (!this.#mining.isFull) return;
    for (let i = 0; i < this.#mining.rowCount; i++) this.#place[this.#mining.segmentOf(i)] = 0;
    this.#mining.mineInto(this.#associations, this.#rule);
  }

  #dropTooFrequent(segment: number, row: number): void {
    const moved = this.#mining.drop(row);
    if (moved >= 0) this.#place[moved] = -(row + 1);
    this.#place[segment] = 0;
  }

  #growSegments(needed: number): void {
    this.#place = grownInt32(this.#place, needed, 0);
    this.#stayCount = grownUint8(this.#stayCount, needed);
  }
}
