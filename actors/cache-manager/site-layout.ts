/** Where the tables and the books of a site lie in the memory of its kernel: addresses are part of the kernel's code. */

/** Doubles, from the first byte on: what the site's parts lend the kernel and take back, and settings. */
export const SiteNumber = {
  ease: 0,
  fetches: 1,
  ghostMisses: 2,
  siteMisses: 3,
  excess: 4,
  firstAt: 5,
  sequence: 6,
  share: 7,
  turnedAt: 8,
  turnedBefore: 9,
  lead: 10,
  residence: 11,
  stay: 12,
  oldestAt: 13,
  calibrationSquared: 14,
  calibrationTotal: 15,
  digestLength: 16,
  accesses: 17,
  misses: 18,
  late: 19,
  demandFetches: 20,
  issued: 21,
  baselineMisses: 22,
  coveredMisses: 23,
  pollutionMisses: 24,
  referenceMisses: 25,
  pollution: 26,
  waitsZero: 27,
  waitsCount: 28,
  waitsSum: 29,
  waitsLast: 30,
  latenessZero: 31,
  latenessCount: 32,
  latenessSum: 33,
  latenessLast: 34,
  /** Settings. */
  warmup: 35,
  fetchTime: 36,
  shareWindow: 37,
  shareStep: 38,
  shareLeast: 39,
  shareMost: 40,
  trustKept: 41,
  trustPrior: 42,
  trustMin: 43,
  trustOnAgain: 44,
  holdoutThreshold: 45,
  allowance: 46,
  ratioAbove: 47,
  overshootMax: 48,
  /** Of each book, up to `BOOKS_MAX`: misses of the reference and of the baseline, and fetches, when it was opened. */
  books: 49,
  /** Of the bound on misses: its ratio to those of the ghost, and what it grants on top. */
  missRatioMax: 55,
  missAllowance: 56,
} as const;
/** Books of a bound on traffic at most. */
export const BOOKS_MAX = 2;

/** Words behind them. */
export const SiteWord = {
  rowNext: 0,
  rowEnd: 1,
  ghostCount: 2,
  reactiveCount: 3,
  reactiveCapacity: 4,
  stagingCount: 5,
  ringHead: 6,
  ringCount: 7,
  flightCount: 8,
  sinceTurned: 9,
  wastedCount: 10,
  evictedCount: 11,
  leadCount: 12,
  digestA: 13,
  digestB: 14,
  waitsBucket: 15,
  latenessBucket: 16,
  /** Ends that were not handed over yet. */
  endCount: 17,
  /** Settings. */
  capacity: 18,
  ringMask: 19,
  isMissBounded: 20,
  isTrusting: 21,
  isHolding: 22,
  holdoutSeed: 23,
  /** Segments below these may be demanded, and prefetched. */
  demandLimit: 24,
  prefetchLimit: 25,
  /** To be overwritten. */
  scratch: 26,
  /** What `quiet` left: a `QuietEnd`, and the answer that ended it. */
  quietEnd: 27,
  quietAnswer: 28,
  quietChosen: 29,
  quietNext: 30,
  quietSent: 31,
  /** Ends in the list that the prefetcher was told of, where it did not take the next. */
  endsTold: 32,
  settledCount: 33,
  fetchedCount: 34,
  /** 0 = traffic is not bounded. */
  bookCount: 35,
  /** Whether, when it was looked last, no bound was broken: then a hit breaks none. */
  isSound: 36,
} as const;
export const NUMBERS_MAX = 64;
export const WORDS_MAX = 64;
export const WORDS_AT = 8 * NUMBERS_MAX;
const TABLES_AT = WORDS_AT + 4 * WORDS_MAX;

/** Views of both. */
export interface SiteBooks {
  readonly numbers: Float64Array;
  readonly words: Int32Array;
}

/** What the bounds must leave beyond what counts as far to serve any row: as much as one may take, with what waits to land. */
export const EASE_LEAST = 16;
/** Ends that fit into the list in which they are handed over, of two words each: the segment, and an `Outcome` or `EVICTED`. */
export const ENDS_MAX = 256;
/** Ends of prefetches that fit into the list of those that the prefetcher was told of and others were not: segment, expert, `Outcome` and log position at which it was sent. */
export const SETTLED_MAX = 1024;

/** How much is to be room for. */
export interface SiteRoom {
  /** Segments, rows that ghosts go ahead for, entries of the ring of flights. */
  readonly segments: number;
  readonly rowsAhead: number;
  readonly ringLength: number;
  readonly histogramBuckets: number;
  readonly outcomes: number;
  readonly refusals: number;
  readonly calibrationBins: number;
}

/** Classes of misses at most. */
const MISS_CLASSES = 8;

/** Bytes of each table, in the order in which they lie. */
function bytesOf(room: SiteRoom) {
  const { segments } = room;
  const histogram = 8 * room.histogramBuckets;
  return {
    ends: 8 * ENDS_MAX,
    settled: 16 * SETTLED_MAX,
    /** By class of miss. */
    missed: 4 * MISS_CLASSES,
    listOfKnown: 8,
    listCounts: 4 * 5,
    rowEnds: 4 * room.rowsAhead,
    /** Of these rows, and the one behind. */
    rowSegments: 4 * (room.rowsAhead + 1),
    rowConsumers: 4 * room.rowsAhead,
    outcomes: 8 * room.outcomes,
    refusals: 8 * room.refusals,
    calibrationCount: 8 * room.calibrationBins,
    calibrationForecast: 8 * room.calibrationBins,
    calibrationHits: 8 * room.calibrationBins,
    issuedByExpert: 8 * 256,
    usedByExpert: 8 * 256,
    trustExpected: 8 * 256,
    trustUsed: 8 * 256,
    trustOff: 256,
    trustTurnedOff: 4 * 256,
    trustTurnedOn: 4 * 256,
    waitsCounts: histogram,
    waitsSums: histogram,
    latenessCounts: histogram,
    latenessSums: histogram,
    ring: 32 * room.ringLength,
    known: segments,
    listOf: segments,
    stage: segments,
    expert: segments,
    note: segments,
    held: 2 * segments,
    notedAt: 4 * segments,
    wastedAt: 4 * segments,
    evictedAt: 4 * segments,
    listLinks: 8 * (segments + 8),
    reactiveLinks: 8 * (segments + 8),
    stagingLinks: 8 * (segments + 8),
    live: 8 * segments,
    rows: 32 * segments,
  };
}

/** Byte at which each table begins. */
export type SiteAddresses = Readonly<Record<keyof ReturnType<typeof bytesOf>, number>>;

export interface SiteLayout {
  readonly at: SiteAddresses;
  readonly bytes: number;
  readonly room: SiteRoom;
}

export function siteLayout(room: SiteRoom): SiteLayout {
  let end = TABLES_AT;
  const at: Record<string, number> = {};
  for (const [name, bytes] of Object.entries(bytesOf(room))) {
    at[name] = end;
    // Whole cache lines.
    end += Math.ceil(bytes / 64) * 64;
  }
  return { at: at as SiteAddresses, bytes: end, room };
}

/** Where a histogram of waits is. */
export interface HistogramPlace {
  readonly counts: 'waitsCounts' | 'latenessCounts';
  readonly sums: 'waitsSums' | 'latenessSums';
  /** A `SiteNumber` each. */
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly lastWait: number;
  /** A `SiteWord`. */
  readonly lastBucket: number;
}

export const waitsPlace: HistogramPlace = {
  counts: 'waitsCounts',
  sums: 'waitsSums',
  zeroCount: SiteNumber.waitsZero,
  count: SiteNumber.waitsCount,
  sum: SiteNumber.waitsSum,
  lastWait: SiteNumber.waitsLast,
  lastBucket: SiteWord.waitsBucket,
};
export const latenessPlace: HistogramPlace = {
  counts: 'latenessCounts',
  sums: 'latenessSums',
  zeroCount: SiteNumber.latenessZero,
  count: SiteNumber.latenessCount,
  sum: SiteNumber.latenessSum,
  lastWait: SiteNumber.latenessLast,
  lastBucket: SiteWord.latenessBucket,
};
