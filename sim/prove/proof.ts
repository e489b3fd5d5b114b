/** What a proof says: the JSON contract of `anteroom prove`. Field names are added to, never renamed. */

import type { LogCounts, RunResult } from '../replay/result.ts';
import type { Interval, Level } from './block-bootstrap.ts';
import type { Part } from './parts.ts';

/** What one change does to a stretch of the log, each figure with its interval (none where the log is too short for one). Shares are of what it is compared with. */
export interface Effect {
  /** Share of accesses that become hits; negative = fewer hits. */
  readonly hitsGained: Interval;
  readonly missesSaved: Interval;
  /** Of the sum of all waits, hence of the mean; all null where fetches take no time. */
  readonly waitSaved: Interval;
  readonly requestsAdded: Interval;
  /** All null where the log has no sizes. */
  readonly bytesAdded: Interval;
  /** Time saved less requests, bytes and space, in the currency of the prices, for a million accesses. */
  readonly benefitPerMillion: Interval;
}

/** One bound on traffic, tried on the whole log. */
export interface BudgetProof {
  readonly trafficMax: number | null;
  /** On the blocks on which the bound was chosen; null where there was nothing to choose between. */
  readonly chosenOn: number | null;
  readonly isChosen: boolean;
  /** On the blocks that judge. */
  readonly effect: Effect;
  readonly issued: number;
  /** On the blocks that judge; quantiles come without an interval. */
  readonly latencyMs: RunResult['latencyMs'];
}

/** One part of the traffic under the chosen bound. */
export interface PartProof extends Part {
  /** Of the counted accesses. */
  readonly accessShare: number;
  readonly effect: Pick<Effect, 'missesSaved' | 'waitSaved' | 'benefitPerMillion'>;
  /** `on`: worth it for this part by itself, in both halves of the log; `off`: not, in both; `unsure`: the log does not tell. */
  readonly answer: 'on' | 'off' | 'unsure';
}

/** Why the answer is what it is. */
export type Reason =
  | 'worth-it'
  | 'too-short'
  | 'times-unreliable'
  | 'nothing-missed'
  | 'cache-too-small'
  | 'refused-by-settings'
  | 'nothing-predicted'
  | 'too-little'
  | 'waits-longer'
  | 'costs-more'
  | 'not-certain';

/** The advice for one cache size, and why. */
export interface Recommendation {
  readonly answer: 'turn-on' | 'do-not';
  readonly reason: Reason;
  /** The bound to turn it on with; null = none is needed, or the answer is no. */
  readonly trafficMax: number | null;
  /** The answer and its reason in one clause. */
  readonly headline: string;
  readonly sentences: readonly string[];
}

/** What was shown for one cache size: each bound on traffic, the eviction alone, the parts, and the advice. */
export interface CacheProof {
  readonly cache: RunResult['cache'];
  readonly evict: string;
  readonly evictUsed: string;
  /** What the eviction alone does against LRU, on the blocks that judge; null where it is LRU. */
  readonly evictionAlone: Effect | null;
  readonly baselineLatencyMs: RunResult['latencyMs'];
  /** What the same eviction alone fetches. */
  readonly baselineOrigin: { readonly requests: number; readonly bytes: number };
  readonly budgets: readonly BudgetProof[];
  readonly parts: readonly PartProof[];
  readonly recommendation: Recommendation;
}

/** What was shown on one log. */
export interface TraceProof {
  readonly trace: string;
  readonly format: string;
  readonly log: LogCounts;
  readonly latency: string;
  readonly latencyUnit: 'ms' | 'requests';
  /** Log positions: learning begins at 0; bounds are chosen on blocks from `chosenFrom`, judged on blocks from `judgedFrom`, to `end`. */
  readonly chosenFrom: number;
  readonly judgedFrom: number;
  readonly end: number;
  /** Accesses of a block, and how many blocks judge. */
  readonly blockAccesses: number;
  readonly judgedBlocks: number;
  readonly timesAreUnreliable: boolean;
  /** Accesses that are writes or deletes and count like reads here. */
  readonly changes: number;
  readonly caches: readonly CacheProof[];
}

/** What `anteroom prove` found, as its JSON has it. */
export interface ProofResult {
  readonly schema: 'anteroom.prove/1';
  readonly version: string;
  readonly seed: number;
  readonly level: Level;
  readonly traces: readonly TraceProof[];
}
