/** Where the near loop's tables lie in the memory of its kernel: addresses are part of the kernel's code. */

import { NAMED_MAX } from '../sequence-predictor/order-fields.ts';
import { RECORD_BYTES, ROWS_AHEAD } from '../sequence-predictor/order-record.ts';
import { ORDER_ROOM, orderBytes } from '../sequence-predictor/order-tables.ts';
import { OPINION_STRIDE } from './candidate-set.ts';
import type { MixtureTablesOptions } from './mixture-tables.ts';
import { FACT_STRIDE } from './segment-facts.ts';
import { squashTable, stretchTable } from './stretch.ts';

/** The first bytes of the memory: the horizon, and settings. */
export const MixtureField = {
  /** Doubles. */
  horizon: 16,
  rateLast: 24,
  rateFall: 32,
  horizonMin: 40,
  horizonMax: 48,
  /** The least forecast that was worth looking at. */
  forecastMin: 56,
  /** Words. */
  memory: 64,
  triesFull: 68,
  tryEvery: 72,
  isForecastOn: 76,
  isPopularityOn: 80,
  trialCapacity: 84,
  /** Accounts of consumers that there are, 0 = consumers are not judged; and how many there may be. */
  accountLimit: 88,
  accountMax: 92,
  /** Segments that facts are kept of. */
  segmentLimit: 96,
  /** Accesses that fetches are taken to need, where order is learned. */
  learnedLead: 100,
} as const;
const TABLES_AT = 128;

/** How many segments and accounts more there is room for: what is not written takes no memory, and a new kernel must be compiled. */
const ROOM = 4;

/** Bytes of each table, in the order in which they lie. */
function bytesOf({ parts, candidates, facts, trust, gate, issued, order }: MixtureTablesOptions, room: number) {
  const segments = room * powerOfTwo(facts.segmentLimit);
  const accounts = room * powerOfTwo(trust?.accountLimit ?? 1);
  const { capacity } = candidates;
  const trials = parts.trials.capacity;
  return {
    candidateSegment: 4 * Math.max(capacity, NAMED_MAX),
    candidateBins: 2 * OPINION_STRIDE * Math.max(capacity, NAMED_MAX),
    candidateSpoke: capacity,
    mixed: 8 * capacity,
    believed: 8 * capacity,
    /** Words: slots of those that pass; then whom to propose and who argued most. */
    admitted: 4 * capacity,
    proposed: 4 * capacity,
    strongest: 4 * capacity,
    stated: 8 * capacity,
    gateLive: gate.liveBytes,
    gateWaste: gate.wasteBytes,
    issuedLine: issued.lineBytes,
    issuedTable: issued.bytes,
    trustLowered: 8,
    sampling: parts.sampling.byteLength,
    trialState: 12,
    weights: parts.mixer.weights.byteLength,
    updates: parts.mixer.updates.byteLength,
    finalProbability: parts.final.probability.byteLength,
    finalLogOdds: parts.final.logOdds.byteLength,
    finalTrials: parts.final.trials.byteLength,
    binLogOdds: parts.bins.logOdds.byteLength,
    binProbability: parts.bins.probability.byteLength,
    binTrials: parts.bins.trials.byteLength,
    squash: squashTable.byteLength,
    stretch: stretchTable.byteLength,
    trialSegment: 4 * trials,
    trialAt: 8 * trials,
    trialOlder: 4 * trials,
    trialBins: parts.trialBins.byteLength,
    trialFinal: trials,
    trustExpected: 4 * accounts,
    trustUsed: 4 * accounts,
    trustPassedOver: accounts,
    /** What was learned ahead, row by row. */
    said: order === null ? 0 : ROWS_AHEAD * RECORD_BYTES,
    facts: 4 * FACT_STRIDE * segments,
  };
}

/** Byte at which each table begins. */
export type MixtureAddresses = Readonly<Record<keyof ReturnType<typeof bytesOf>, number>>;

export interface MixtureLayout {
  readonly at: MixtureAddresses;
  readonly bytes: number;
  /** Bytes behind these for the tables of order, 0 = they are elsewhere. */
  readonly orderBytes: number;
  /** Segments and accounts that it has room for. */
  readonly segmentMax: number;
  readonly accountMax: number;
}

/** With room for more, or with just enough. */
export function mixtureLayout(options: MixtureTablesOptions, isRoomy: boolean): MixtureLayout {
  const room = isRoomy ? ROOM : 1;
  let end = TABLES_AT;
  const at: Record<string, number> = {};
  for (const [name, bytes] of Object.entries(bytesOf(options, room))) {
    at[name] = end;
    // Whole cache lines.
    end += Math.ceil(bytes / 64) * 64;
  }
  return {
    at: at as MixtureAddresses,
    bytes: end,
    orderBytes: options.order === null ? 0 : (isRoomy ? ORDER_ROOM : 1) * orderBytes(options.order),
    segmentMax: room * powerOfTwo(options.facts.segmentLimit),
    accountMax: room * powerOfTwo(options.trust?.accountLimit ?? 1),
  };
}

/** The least power of two that is not below. */
function powerOfTwo(count: number): number {
  return 2 ** (32 - Math.clz32(Math.max(1, count) - 1));
}
