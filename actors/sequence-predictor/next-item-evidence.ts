/** The memories behind a choice of the next segment: what they name, and what they say of each candidate. */

import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { ConsumerTrails, GAP_CLASS_COUNT, TRAIL_LENGTH } from './consumer-trails.ts';
import {
  absentBin,
  bitLength,
  byTrailBin,
  coarseNearby,
  coarseShare,
  Feature,
  followerBin,
  nearbyBin,
  trailBin,
  useBin,
  visitsInTrailBin,
} from './evidence-bins.ts';
import { FollowerTable } from './follower-table.ts';
import type { RankedCandidates } from './ranked-candidates.ts';
import { RecentUse } from './recent-use.ts';

/** How the bytes are shared out. */
const share = { first: 0.2, nearby: 0.2, second: 0.2, third: 0.1, own: 0.1, trails: 0.15, use: 0.05 } as const;
/** Followers kept by each table, all of which are candidates. */
const width = { first: 24, second: 8, third: 4, own: 8, nearby: 16 } as const;
/** Candidates taken from what came near the latest segment, and near each before it. */
const NEARBY_LATEST = 8;
const NEARBY_EARLIER = 3;
/** Candidates taken from the consumer's own trail. */
const RETURNS = 16;

/** Sets that {@link NextItemEvidence.situation} names, for each of its selectors. */
export const situationCounts = [1, 48, GAP_CLASS_COUNT * 8] as const;

export interface NextItemEvidenceOptions {
  readonly bytesMax: number;
  readonly consumerCountMax: number;
  readonly sightingsMax: number;
  /** Steps within which a segment counts as near. */
  readonly nearbySteps: number;
}

/**
 * Contexts of one to three segments over all consumers (a consumer that is new profits from the others), of one segment in the consumer's own
 * past, and of what comes within a few steps in whatever order (the window of Padmanabhan and Mogul's dependency graph, 1996); the consumer's
 * trail, for returns and for what it has already had; and how much a segment is used. A context of three is begun once its last two
 * were seen before: most are never seen again (lazy extension as in PPM*, Cleary and Teahan 1997).
 */
export class NextItemEvidence {
  readonly trails: ConsumerTrails;
  readonly #first: FollowerTable;
  readonly #second: FollowerTable;
  readonly #third: FollowerTable;
  readonly #own: FollowerTable;
  readonly #nearby: FollowerTable;
  readonly #use: RecentUse;
  readonly #nearbySteps: number;
  readonly #binBase: readonly number[];
  readonly #nearbySum: Float64Array;
  readonly #nearbyMost: Float64Array;
  readonly #nearbyCount: Uint8Array;
  /** Rows of the consumer's contexts after {@link locate}, first to own. */
  readonly #rows = new Int32Array(4);
  #position = 0;

  constructor(options: NextItemEvidenceOptions, binBase: readonly number[], candidateCountMax: number) {
    const { bytesMax, sightingsMax } = options;
    const table = (name: keyof typeof width): FollowerTable =>
      new FollowerTable({ width: width[name], sightingsMax, bytesMax: share[name] * bytesMax });
    this.trails = new ConsumerTrails({
      consumerCountMax: options.consumerCountMax,
      bytesMax: share.trails * bytesMax,
    });
    this.#first = table('first');
    this.#second = table('second');
    this.#third = table('third');
    this.#own = table('own');
    this.#nearby = table('nearby');
    this.#use = new RecentUse({ bytesMax: share.use * bytesMax });
    this.#nearbySteps = options.nearbySteps;
    this.#binBase = binBase;
    this.#nearbySum = new Float64Array(candidateCountMax);
    this.#nearbyMost = new Float64Array(candidateCountMax);
    this.#nearbyCount = new Uint8Array(candidateCountMax);
  }

  get bytes(): number {
    return this.#parts().reduce((sum, part) => sum + part.bytes, 0);
  }

  get evictedCount(): number {
    const tables = [this.#first, this.#second, this.#third, this.#own, this.#nearby, this.trails];
    return tables.reduce((sum, part) => sum + part.evictedCount, this.#use.sharedCount);
  }

  /** Names the candidates of the consumer whose trail this is; before it the trail has at least one step. */
  gather(trail: number, consumer: number, candidates: RankedCandidates): void {
    this.#locate(trail, consumer);
    const rows = this.#rows;
    addFollowers(this.#first, rows[Feature.first]!, width.first, candidates);
    addFollowers(this.#second, rows[Feature.second]!, width.second, candidates);
    addFollowers(this.#third, rows[Feature.third]!, width.third, candidates);
    addFollowers(this.#own, rows[Feature.own]!, width.own, candidates);
    const steps = this.trails.stepCount(trail);
    for (let back = 0; back < Math.min(this.#nearbySteps, steps); back++) {
      const row = this.#nearby.find(this.trails.segmentAt(trail, back), 0);
      addFollowers(this.#nearby, row, back === 0 ? NEARBY_LATEST : NEARBY_EARLIER, candidates);
    }
    for (let back = 1; back <= Math.min(RETURNS, steps - 1); back++) candidates.add(this.trails.segmentAt(trail, back));
  }

  /** Writes the bins of every candidate that was gathered. */
  weigh(trail: number, candidates: RankedCandidates): void {
    this.#weighFollowers(this.#first, Feature.first, candidates);
    this.#weighFollowers(this.#second, Feature.second, candidates);
    this.#weighFollowers(this.#third, Feature.third, candidates);
    this.#weighFollowers(this.#own, Feature.own, candidates);
    this.#weighTrail(trail, candidates);
    this.#sumNearby(trail, candidates);
    const { bins, featureCount, count } = candidates;
    const base = this.#binBase;
    const gap = this.trails.gapOf(trail);
    for (let slot = 0, at = 0; slot < count; slot++, at += featureCount) {
      const segment = candidates.segment[slot]!;
      const since = this.#position - this.#use.lastOf(segment);
      bins[at + Feature.use] = base[Feature.use]! + useBin(this.#use.countOf(segment), since);
      const sources = this.#nearbyCount[slot]!;
      bins[at + Feature.nearby] = base[Feature.nearby]! + nearbyBin(this.#nearbySum[slot]!, sources);
      const trailOf = bins[at + Feature.trail]! - base[Feature.trail]!;
      const followed = coarseShare(bins[at + Feature.first]! - base[Feature.first]!);
      bins[at + Feature.firstByTrail] = base[Feature.firstByTrail]! + byTrailBin(followed, trailOf, gap);
      const near = coarseNearby(this.#nearbyMost[slot]!, sources);
      bins[at + Feature.nearbyByTrail] = base[Feature.nearbyByTrail]! + byTrailBin(near, trailOf, gap);
    }
  }

  /** Which sets of weights apply: none in particular; the longest context known and how well; pace and length of the trail. */
  situation(trail: number, sets: Int32Array): void {
    const rows = this.#rows;
    const order = rows[Feature.third]! >= 0 ? 3 : rows[Feature.second]! >= 0 ? 2 : rows[Feature.first]! >= 0 ? 1 : 0;
    const longest = [this.#first, this.#first, this.#second, this.#third][order]!;
    const seen = order === 0 ? 0 : longest.seenAt(rows[order - 1]!);
    const own = this.#own.seenAt(rows[Feature.own]!);
    sets[0] = 0;
    sets[1] = order * 4 + Math.min(3, bitLength(seen >> 1)) + 16 * (own === 0 ? 0 : own <= 2 ? 1 : 2);
    sets[2] = this.trails.gapOf(trail) * 8 + Math.min(7, bitLength(this.trails.stepCount(trail)) - 1);
  }

  /** Learns that the consumer went on to `segment`, another than its latest. `trail` = -1: nothing is known of it. */
  learn(trail: number, consumer: number, segment: number, timeMs: number): void {
    const { trails } = this;
    const steps = trail < 0 ? 0 : trails.stepCount(trail);
    if (steps > 0) {
      const latest = trails.segmentAt(trail, 0);
      this.#first.follow(this.#first.see(latest, 0), segment);
      this.#own.follow(this.#own.see(consumer + 1, latest), segment);
      if (steps > 1) {
        const before = trails.segmentAt(trail, 1);
        const isKnown = this.#second.find(before, latest) >= 0;
        this.#second.follow(this.#second.see(before, latest), segment);
        if (steps > 2 && isKnown) {
          this.#third.follow(this.#third.see(pairKey(trails.segmentAt(trail, 2), before), latest), segment);
        }
      }
      this.#learnNearby(trail, steps, segment);
    }
    this.#nearby.see(segment, 0);
    this.#use.observe(segment, this.#position);
    trails.push(trails.trailOf(consumer), segment, timeMs);
    this.#position++;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#position);
    for (const part of this.#parts()) part.save(writer);
  }

  load(reader: SnapshotReader): void {
    this.#position = reader.numbers()[0]!;
    for (const part of this.#parts()) part.load(reader);
  }

  #parts() {
    return [this.trails, this.#first, this.#second, this.#third, this.#own, this.#nearby, this.#use];
  }

  #locate(trail: number, consumer: number): void {
    const { trails } = this;
    const steps = trails.stepCount(trail);
    const latest = trails.segmentAt(trail, 0);
    const before = steps > 1 ? trails.segmentAt(trail, 1) : -1;
    const rows = this.#rows;
    rows[Feature.first] = this.#first.find(latest, 0);
    rows[Feature.second] = steps > 1 ? this.#second.find(before, latest) : -1;
    rows[Feature.third] = steps > 2 ? this.#third.find(pairKey(trails.segmentAt(trail, 2), before), latest) : -1;
    rows[Feature.own] = this.#own.find(consumer + 1, latest);
  }

  #weighFollowers(table: FollowerTable, feature: number, candidates: RankedCandidates): void {
    const row = this.#rows[feature]!;
    const base = this.#binBase[feature]!;
    candidates.fillBins(feature, base + absentBin(table.seenAt(row)));
    if (row < 0) return;
    const total = table.totalAt(row);
    for (let place = 0; place < table.width; place++) {
      const segment = table.followerAt(row, place);
      if (segment < 0) return;
      const slot = candidates.find(segment);
      if (slot < 0) continue;
      const bin = followerBin(table.weightAt(row, place), total, table.ageAt(row, place));
      candidates.bins[slot * candidates.featureCount + feature] = base + bin;
    }
  }

  #weighTrail(trail: number, candidates: RankedCandidates): void {
    const { trails } = this;
    const base = this.#binBase[Feature.trail]!;
    candidates.fillBins(Feature.trail, base);
    const oldest = Math.min(TRAIL_LENGTH, trails.stepCount(trail)) - 1;
    for (let back = oldest; back >= 1; back--) {
      const slot = candidates.find(trails.segmentAt(trail, back));
      if (slot < 0) continue;
      const at = slot * candidates.featureCount + Feature.trail;
      const visits = visitsInTrailBin(candidates.bins[at]! - base) + 1;
      candidates.bins[at] = base + trailBin(back, visits, trails.isInBurst(trail, back));
    }
  }

  #sumNearby(trail: number, candidates: RankedCandidates): void {
    const sum = this.#nearbySum;
    const most = this.#nearbyMost;
    const sources = this.#nearbyCount;
    sum.fill(0, 0, candidates.count);
    most.fill(0, 0, candidates.count);
    sources.fill(0, 0, candidates.count);
    const table = this.#nearby;
    const steps = Math.min(this.#nearbySteps, this.trails.stepCount(trail));
    for (let back = 0; back < steps; back++) {
      const row = table.find(this.trails.segmentAt(trail, back), 0);
      if (row < 0) continue;
      // The visit at hand has not been followed by anything yet.
      const seen = table.seenAt(row);
      const scale = seen / ((seen + 1) * table.totalAt(row));
      for (let place = 0; place < table.width; place++) {
        const segment = table.followerAt(row, place);
        if (segment < 0) break;
        const slot = candidates.find(segment);
        if (slot < 0) continue;
        const shareOfVisits = table.weightAt(row, place) * scale;
        sum[slot] = sum[slot]! + shareOfVisits;
        if (shareOfVisits > most[slot]!) most[slot] = shareOfVisits;
        sources[slot] = sources[slot]! + 1;
      }
    }
  }

  /** `segment` came near the latest few; where it stands among them, the older ones have been told. */
  #learnNearby(trail: number, steps: number, segment: number): void {
    for (let back = 0; back < Math.min(this.#nearbySteps, steps); back++) {
      const source = this.trails.segmentAt(trail, back);
      if (source === segment) return;
      const row = this.#nearby.find(source, 0);
      if (row >= 0) this.#nearby.follow(row, segment);
    }
  }
}

function addFollowers(table: FollowerTable, row: number, count: number, candidates: RankedCandidates): void {
  if (row < 0) return;
  for (let place = 0; place < count; place++) {
    const segment = table.followerAt(row, place);
    if (segment < 0) return;
    candidates.add(segment);
  }
}

/** Two ids in one word; two pairs meet in it once in four thousand millions. */
function pairKey(a: number, b: number): number {
  let h = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x7feb352d);
  h = Math.imul(h ^ (h >>> 16), 0x846ca68b);
  return (h ^ (h >>> 15)) >>> 0;
}
