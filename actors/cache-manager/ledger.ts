/** What a site counted: the raw figures behind every metric of a report, each prefetch in exactly one outcome. */

import { CalibrationStats } from '../forecaster/calibration-stats.ts';
import { Outcome, type OutcomeCode, outcomeNames } from '../prefetcher.ts';
import { DecisionDigest } from './decision-digest.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** Why a proposal was not issued; each is counted. */
export const Refusal = { resident: 0, inFlight: 1, budget: 2, tooLarge: 3, barred: 4 } as const;
export const refusalNames = ['resident', 'inFlight', 'budget', 'tooLarge', 'barred'] as const;
export type RefusalName = (typeof refusalNames)[number];

/** One slice of the run, for precision and hit ratio over time. */
export interface LedgerSlice {
  readonly endPosition: number;
  readonly accesses: number;
  readonly misses: number;
  readonly baselineMisses: number;
  readonly issued: number;
  readonly used: number;
}

/** Counters of one site. All are of counted accesses: those at or after the warm-up. */
export class Ledger {
  accesses = 0;
  misses = 0;
  late = 0;
  bytesAccessed = 0;
  bytesMissed = 0;
  demandFetches = 0;
  demandBytes = 0;
  issued = 0;
  prefetchBytes = 0;
  withdrawn = 0;
  /** Accesses that the baseline missed. */
  baselineMisses = 0;
  /** Of these, how many were hits here. */
  coveredMisses = 0;
  /** Demand misses here on segments that the baseline held. */
  pollutionMisses = 0;
  referenceMisses = 0;
  /** Integral of staged bytes over time, byte-milliseconds; 0 where the trace has no time. */
  stagedByteMs = 0;
  writesIgnored = 0;
  invalidations = 0;
  readonly outcomes = new Float64Array(outcomeNames.length);
  readonly refusals = new Float64Array(refusalNames.length);
  readonly issuedByExpert = new Float64Array(256);
  readonly usedByExpert = new Float64Array(256);
  readonly waits = new LatencyHistogram();
  readonly lateness = new LatencyHistogram();
  readonly calibration = new CalibrationStats();
  readonly digest = new DecisionDigest();
  readonly slices: LedgerSlice[] = [];
  #lastSlice = { accesses: 0, misses: 0, baselineMisses: 0, issued: 0, used: 0 };

  /** Settles one issued prefetch. `probability` NaN = its prefetcher does not say. */
  settle(outcome: OutcomeCode, expert: number, probability: number): void {
    this.outcomes[outcome]! += 1;
    const isUsed = outcome === Outcome.useful || outcome === Outcome.late;
    if (isUsed) this.usedByExpert[expert]! += 1;
    // What was called back, invalidated or is still open says nothing about whether the forecast was right.
    if (!Number.isNaN(probability) && (isUsed || outcome === Outcome.wasted)) {
      this.calibration.observe(probability, isUsed);
    }
  }

  /** Proposals that were not issued, by reason. */
  refusalCounts(): Record<RefusalName, number> {
    return Object.fromEntries(refusalNames.map((name, i) => [name, this.refusals[i]!])) as Record<RefusalName, number>;
  }

  /** Closes a slice of the run at `endPosition`. */
  closeSlice(endPosition: number): void {
    const used = this.outcomes[Outcome.useful]! + this.outcomes[Outcome.late]!;
    const last = this.#lastSlice;
    this.slices.push({
      endPosition,
      accesses: this.accesses - last.accesses,
      misses: this.misses - last.misses,
      baselineMisses: this.baselineMisses - last.baselineMisses,
      issued: this.issued - last.issued,
      used: used - last.used,
    });
    this.#lastSlice = {
      accesses: this.accesses,
      misses: this.misses,
      baselineMisses: this.baselineMisses,
      issued: this.issued,
      used,
    };
  }
}
