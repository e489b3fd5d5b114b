/** How evidence on a candidate becomes one of a few bins, feature by feature. */

import { GAP_CLASS_COUNT } from './consumer-trails.ts';
import { FOLLOWER_ONE } from './follower-table.ts';

/** Bits of x: 0 for 0, 1 for 1, 2 for 2-3, 3 for 4-7 and so on. */
function bitLength(x: number): number {
  return 32 - Math.clz32(x);
}

/** What is known of a candidate. Foreign models' opinions come after these. */
export const Feature = {
  /** Followers of the latest one, two, three segments, and of the latest in this consumer's own past. */
  first: 0,
  second: 1,
  third: 2,
  own: 3,
  /** Where the candidate stands in the consumer's trail. */
  trail: 4,
  use: 5,
  /** Came soon after the latest few segments, in whatever order. */
  nearby: 6,
  /** Two at a time, because they contradict each other: followers and trail, nearby and trail. */
  firstByTrail: 7,
  nearbyByTrail: 8,
} as const;
export const FEATURE_COUNT = 9;

const shareEdges = [0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.19, 0.27, 0.37, 0.49, 0.62, 0.76, 0.9];
const SHARE_BINS = shareEdges.length + 1;
const SUPPORT_BINS = 7;
const AGE_BINS = 4;
const ABSENT_BINS = 8;
const FOLLOWER_BINS = ABSENT_BINS + SHARE_BINS * SUPPORT_BINS * AGE_BINS;

const SHARE_STEPS = 256;
const binOfShare = new Uint8Array(SHARE_STEPS + 1);
for (let i = 0; i <= SHARE_STEPS; i++) {
  while (binOfShare[i]! < shareEdges.length && i / SHARE_STEPS >= shareEdges[binOfShare[i]!]!) binOfShare[i]!++;
}

function shareBin(share: number): number {
  return binOfShare[share >= 1 ? SHARE_STEPS : (share * SHARE_STEPS) | 0]!;
}

/** A context that does not know the candidate: the more it was seen the more that says. 0 = an unknown context. */
export function absentBin(seen: number): number {
  return seen === 0 ? 0 : 1 + Math.min(ABSENT_BINS - 2, bitLength(seen) - 1);
}

/** Weight and total as `FollowerTable` has them, and sightings since. */
export function followerBin(weight: number, total: number, age: number): number {
  const support =
    total <= 3 * FOLLOWER_ONE ? ((total - 1) / FOLLOWER_ONE) | 0 : bitLength(total / FOLLOWER_ONE - 2) + 1;
  const recency = age <= 0 ? 0 : age <= 2 ? 1 : age <= 11 ? 2 : 3;
  return (
    ABSENT_BINS + shareBin(weight / total) + SHARE_BINS * (Math.min(SUPPORT_BINS - 1, support) + SUPPORT_BINS * recency)
  );
}

/** Coarse share in a bin of {@link followerBin}: 0 = absent, 1..7. */
export function coarseShare(bin: number): number {
  return bin < ABSENT_BINS ? 0 : 1 + (((bin - ABSENT_BINS) % SHARE_BINS) >> 1);
}

const TRAIL_BINS = 64;

/** Steps since the consumer's latest visit (1..31), visits in its trail (1..3), and whether that was in the burst at hand. 0 = not in the trail. */
export function trailBin(back: number, visitCount: number, isInBurst: boolean): number {
  return 1 + bitLength(back) + 8 * Math.min(3, visitCount) + (isInBurst ? 32 : 0);
}

/** Visits counted in a bin of {@link trailBin}. */
export function visitsInTrailBin(bin: number): number {
  return bin === 0 ? 0 : ((bin - 1) >> 3) & 3;
}

/** Steps since, in a bin of {@link trailBin}, as bits + 1; 0 = not in the trail. */
function coarseBack(bin: number): number {
  return bin === 0 ? 0 : 1 + ((bin - 1) & 7);
}

const COUNT_BINS = 16;
const USE_BINS = COUNT_BINS * 20;

/** Accesses of the candidate, and accesses of anything since the latest of them. */
export function useBin(count: number, since: number): number {
  return Math.min(COUNT_BINS - 1, bitLength(count)) + COUNT_BINS * Math.min(19, bitLength(since));
}

const NEARBY_STEPS = 32;
const NEARBY_BINS = 1 + NEARBY_STEPS * 7;

/** Sum of shares over the sources that name the candidate, and how many they are; 0 = none. */
export function nearbyBin(sum: number, sourceCount: number): number {
  if (sourceCount === 0) return 0;
  return 1 + Math.min(NEARBY_STEPS - 1, 3 * bitLength((sum * 256) | 0)) + NEARBY_STEPS * Math.min(6, sourceCount);
}

/** The largest share of any source as {@link coarseShare}. */
export function coarseNearby(share: number, sourceCount: number): number {
  return sourceCount === 0 ? 0 : 1 + (shareBin(share) >> 1);
}

const PAIR_BINS = 64 * GAP_CLASS_COUNT;

/** A coarse share 0..7, a bin of {@link trailBin}, and the class of time between the latest two steps. */
export function byTrailBin(share: number, trail: number, gap: number): number {
  return share + 8 * coarseBack(trail) + 64 * gap;
}

const FOREIGN_RANKS = 8;
const FOREIGN_BINS = 1 + 16 * FOREIGN_RANKS;
/** Ranks of a foreign model that are told apart and taken in. */
export const FOREIGN_RANK_MAX = FOREIGN_RANKS;

/** A foreign model's rank (0..7) and probability; 0 = not named. */
export function foreignBin(rank: number, probability: number): number {
  let halvings = 0;
  for (let p = probability; p < 0.5 && halvings < 15; p *= 2) halvings++;
  return 1 + halvings + 16 * rank;
}

const binCounts = [
  FOLLOWER_BINS,
  FOLLOWER_BINS,
  FOLLOWER_BINS,
  FOLLOWER_BINS,
  TRAIL_BINS,
  USE_BINS,
  NEARBY_BINS,
  PAIR_BINS,
  PAIR_BINS,
];

/** First bin of each feature, and the number of all. */
export function numberBins(foreignCount: number): { readonly base: readonly number[]; readonly count: number } {
  const base: number[] = [];
  let count = 0;
  for (const bins of [...binCounts, ...Array.from({ length: foreignCount }, () => FOREIGN_BINS)]) {
    base.push(count);
    count += bins;
  }
  return { base, count };
}

export { bitLength };
