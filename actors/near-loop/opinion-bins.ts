/** How an expert's evidence becomes one of a few bins whose meaning the calibration learns. */

/** Bits of x: 0 for 0, 1 for 1, 2 for 2-3, 3 for 4-7 and so on. */
export function bitLength(x: number): number {
  return 32 - Math.clz32(x);
}

export const SCORE_BINS = 12;
export const SUPPORT_BINS = 8;
export const AGE_BINS = 5;

/** Bins of {@link successorBin}, bin 0 (no opinion) included. */
export const SUCCESSOR_BIN_COUNT = 1 + SCORE_BINS * SUPPORT_BINS * AGE_BINS;

const scoreEdges = [0.04, 0.06, 0.09, 0.13, 0.19, 0.27, 0.37, 0.49, 0.62, 0.76, 0.9];
/** By 256ths of a share. */
export const scoreBinOf = new Uint8Array(257);
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

/** Run lengths and depths that a stream's opinion tells apart, for each of two kinds of stream. */
export const STREAM_RUN_BINS = 9;
export const STREAM_DEPTH_BINS = 6;
/** Bins of the stream's opinion, bin 0 (none) included. */
export const STREAM_BIN_COUNT = 1 + 2 * STREAM_RUN_BINS * STREAM_DEPTH_BINS;

const nextItemEdges = [0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.33, 0.42, 0.52, 0.62, 0.73, 0.84, 0.94];
const NEXT_ITEM_LEVELS = nextItemEdges.length + 1;
/** Ranks of the model of the next item that are told apart, and named. */
export const NEXT_ITEM_RANKS = 8;
export const NEXT_ITEM_BIN_COUNT = 1 + NEXT_ITEM_LEVELS * NEXT_ITEM_RANKS;

/** Probability that the consumer goes there next, and its rank (0..7). */
export function nextItemBin(probability: number, rank: number): number {
  let level = 0;
  while (level < nextItemEdges.length && probability >= nextItemEdges[level]!) level++;
  return 1 + level + NEXT_ITEM_LEVELS * rank;
}

function nextItemPrior(bin: number): number {
  const level = bin === 0 ? 0 : (bin - 1) % NEXT_ITEM_LEVELS;
  return level === 0 ? 0.01 : nextItemEdges[level - 1]!;
}

/** Who has an opinion on a candidate. The first five can name one, the others only comment on those named. */
export const Opinion = {
  consumerSuccessor: 0,
  context: 1,
  missSuccessor: 2,
  stream: 3,
  nextItem: 4,
  earlierForecast: 5,
  popularity: 6,
} as const;
export const NAMING_COUNT = 5;
export const OPINION_COUNT = 7;

/** Names in the order of {@link Opinion}; the first {@link NAMING_COUNT} are the experts of the report. */
export const opinionNames = [
  'consumer-successor',
  'context',
  'miss-successor',
  'stream',
  'next-item',
  'earlier-forecast',
  'popularity',
] as const;

/** What a bin of each opinion is taken to mean before anything was learned. */
const priors: readonly { readonly count: number; readonly prior: (bin: number) => number }[] = [
  { count: SUCCESSOR_BIN_COUNT, prior: successorPrior },
  { count: CONTEXT_BIN_COUNT, prior: () => 0.2 },
  { count: SUCCESSOR_BIN_COUNT, prior: successorPrior },
  { count: STREAM_BIN_COUNT, prior: () => 0.3 },
  { count: NEXT_ITEM_BIN_COUNT, prior: nextItemPrior },
  { count: FORECAST_BIN_COUNT, prior: () => 0.1 },
  { count: POPULARITY_BIN_COUNT, prior: () => 0.1 },
];

/** The bins of all opinions in one numbering; number 0 is silence, with log-odds of 0 for ever. */
export const binBase = new Uint16Array(OPINION_COUNT);
const priorOfBin: number[] = [0.5];
for (const [opinion, { count, prior }] of priors.entries()) {
  binBase[opinion] = priorOfBin.length;
  for (let bin = 0; bin < count; bin++) priorOfBin.push(prior(bin));
}
export const BIN_COUNT = priorOfBin.length;

/** Prior probability of a bin by its number. */
export function priorOf(bin: number): number {
  return priorOfBin[bin]!;
}
