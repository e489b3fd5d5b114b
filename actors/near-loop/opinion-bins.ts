/** How an expert's evidence becomes one of a few bins whose meaning the calibration learns. */

/** Bits of x: 0 for 0, 1 for 1, 2 for 2-3, 3 for 4-7 and so on. */
export function bitLength(x: number): number {
  return 32 - Math.clz32(x);
}

const SCORE_BINS = 12;
const SUPPORT_BINS = 8;
const AGE_BINS = 5;

/** Bins of {@link successorBin}, bin 0 (no opinion) included. */
export const SUCCESSOR_BIN_COUNT = 1 + SCORE_BINS * SUPPORT_BINS * AGE_BINS;

const scoreEdges = [0.04, 0.06, 0.09, 0.13, 0.19, 0.27, 0.37, 0.49, 0.62, 0.76, 0.9];
const scoreBinOf = new Uint8Array(257);
for (let i = 0; i <= 256; i++) {
  let bin = 0;
  while (bin < scoreEdges.length && i / 256 >= scoreEdges[bin]!) bin++;
  scoreBinOf[i] = bin;
}

/** Share of visits 0..1 (above counts as 1), visits it rests on (>= 1), visits since it was last confirmed (>= 1). */
export function successorBin(share: number, visits: number, age: number): number {
  const score = scoreBinOf[share >= 1 ? 256 : (share * 256) | 0]!;
  // One, two and three visits differ most; from there on by doubling.
  const support = visits <= 3 ? visits - 1 : Math.min(SUPPORT_BINS - 1, bitLength(visits - 2) + 1);
  const recency = age <= 2 ? age - 1 : Math.min(AGE_BINS - 1, bitLength(age - 1));
  return 1 + score + SCORE_BINS * (support + SUPPORT_BINS * Math.max(0, recency));
}

/** What a bin of {@link successorBin} is taken to mean before anything was learned: little, and more for larger shares. */
export function successorPrior(bin: number): number {
  if (bin === 0) return 0.1;
  const share = (((bin - 1) % SCORE_BINS) + 0.5) / SCORE_BINS;
  return 0.02 + 0.6 * share * share;
}

export const CONTEXT_BIN_COUNT = 1 + 16 * 16;

/** Confirmations and sightings of a second-order context, each 0..15. */
export function contextBin(confirmed: number, seen: number): number {
  return 1 + confirmed + 16 * seen;
}

export const CHAIN_BIN_COUNT = 1 + 16 * 10;

/** A chain's product of shares and its depth (>= 2). */
export function chainBin(share: number, depth: number): number {
  return 1 + Math.min(9, (share * 10) | 0) + 10 * Math.min(15, depth - 1);
}

export const FORECAST_BIN_COUNT = 1 + 16 * 8;

/** An earlier forecast in sixteenths, and accesses since it, below 128. */
export function forecastBin(sixteenths: number, since: number): number {
  return 1 + sixteenths + 16 * bitLength(since);
}

export const POPULARITY_BIN_COUNT = 1 + 9 * 20;

/** Accesses so far (1..255), and accesses of anything since the latest of them. */
export function popularityBin(count: number, since: number): number {
  return bitLength(count) + 9 * Math.min(19, bitLength(since));
}
