/** A proof: what prefetching would have saved on a log, with intervals, at which bound on traffic, and whether to turn it on. */

import { AnteroomError } from '../../engine/errors.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { VERSION } from '../../engine/version.ts';
import { type CacheSize, resolveCacheSize } from '../replay/cache-size.ts';
import { checkOptions, type ReplayPlan } from '../replay/check-options.ts';
import { hintWarning } from '../replay/hint-warning.ts';
import { evictionOf, type PlannedRun } from '../replay/plan-runs.ts';
import { distinct, logCounts, openTrace, type ReplayOptions, type TraceTerms, termsOf } from '../replay/replay.ts';
import type { RunResult } from '../replay/result.ts';
import { executeRun, type RunRecord } from '../replay/run.ts';
import type { Trace } from '../replay/trace.ts';
import { areTimesUnreliable, traceWarnings } from '../replay/trace-warnings.ts';
import { type Level, normalQuantiles } from './block-bootstrap.ts';
import { BlockRecorder, costColumns } from './block-recorder.ts';
import { benefitPerMillionOf, effectOf, type IntervalOptions, type Valuation } from './effect.ts';
import { type Partition, partition } from './parts.ts';
import type { BudgetProof, CacheProof, Effect, PartProof, ProofResult, TraceProof } from './proof.ts';
import { GAIN_MIN, recommend } from './recommend.ts';

/** As a replay's, for one eviction and the engine only. */
export interface ProveOptions extends Omit<ReplayOptions, 'evict' | 'prefetch' | 'wantsInsight'> {
  /** Default `auto`. */
  readonly evict?: string;
  /** Of all intervals, two-sided. Default `0.9`: the lower end is then passed from below in one log of twenty. */
  readonly level?: Level;
  /** Resamples behind each interval. Default 2000. */
  readonly resamples?: number;
}

/** The proof, and what a person should be warned of. */
export interface ProveOutcome {
  readonly result: ProofResult;
  readonly warnings: readonly string[];
}

/** Bounds tried where none are given. */
export const DEFAULT_BOUNDS: readonly (number | null)[] = [1, 1.1, 1.3];

/** Blocks that the counted part of a log is cut into, where it is long enough for that. */
const BLOCKS = 200;
const BLOCK_ACCESSES_MIN = 16;
/** Share of the log that is only learned from, unless a warm-up is given. */
const LEARNED_SHARE = 0.2;
/** From fewer blocks intervals come out too narrow to be believed. */
const JUDGED_BLOCKS_MIN = 20;

/**
 * Replays each trace without prefetching and with the engine at each bound, and compares block by block.
 *
 * The first fifth of the log is learned from and counts for nothing: a cold cache and an untaught engine say little of the weeks to
 * come. The first half of the rest chooses the bound, the second half judges it: a bound is never praised on the blocks that it was
 * chosen on. The engine sees each access only after it has decided, so every block is held out from what is judged on it.
 *
 * @throws AnteroomError as `replay` does, and 'bad-usage' for belady, which sees the future: no advice can rest on it.
 */
export async function prove(options: ProveOptions): Promise<ProveOutcome> {
  const { evict = 'auto', level = '0.9', resamples = 2000, ...rest } = options;
  if (!(level in normalQuantiles)) {
    throw new AnteroomError('bad-usage', `--level: expected one of ${Object.keys(normalQuantiles).join(', ')}`);
  }
  if (evict === 'belady') {
    throw new AnteroomError(
      'bad-usage',
      '--evict: belady sees the future, so nothing can be advised on it: replay shows it as a bound',
    );
  }
  const replayOptions: ReplayOptions = { trafficMax: DEFAULT_BOUNDS, ...rest, evict: [evict], prefetch: ['anteroom'] };
  const plan = checkOptions(replayOptions);
  const traces: TraceProof[] = [];
  const warnings: string[] = [];
  for (const name of new Set(options.traces)) {
    const trace = await openTrace(name, replayOptions);
    try {
      warnings.push(...traceWarnings(trace, [], options.warmup ?? 0, options.latency));
      const hints = hintWarning(trace, plan.config.hints);
      if (hints !== '') warnings.push(hints);
      traces.push(await proveTrace(trace, plan, replayOptions, { level, resamples }));
    } finally {
      await trace.close();
    }
  }
  return { result: { schema: 'anteroom.prove/1', version: VERSION, seed: plan.seed, level, traces }, warnings };
}

/** How the counted part of a log is cut. */
export interface Blocks {
  /** Log position of the first block. */
  readonly start: number;
  readonly accesses: number;
  readonly count: number;
  /** First block that judges; those before choose. */
  readonly judgedFrom: number;
}

/** @param warmup null = a fifth of the log. */
export function blocksOf(accessCount: number, warmup: number | null, boundCount: number): Blocks {
  const start = Math.min(accessCount, warmup ?? Math.floor(LEARNED_SHARE * accessCount));
  const counted = accessCount - start;
  const accesses = Math.max(BLOCK_ACCESSES_MIN, Math.floor(counted / BLOCKS));
  const count = Math.max(1, Math.floor(counted / accesses));
  return { start, accesses, count, judgedFrom: boundCount > 1 ? Math.floor(count / 2) : 0 };
}

interface TraceContext {
  readonly trace: Trace;
  readonly plan: ReplayPlan;
  readonly terms: TraceTerms;
  readonly blocks: Blocks;
  readonly partition: Partition;
  readonly valuation: Valuation;
  readonly timesAreUnreliable: boolean;
  readonly level: Level;
  readonly resamples: number;
  readonly onProgress: ReplayOptions['onProgress'];
}

async function proveTrace(
  trace: Trace,
  plan: ReplayPlan,
  options: ReplayOptions,
  intervals: { readonly level: Level; readonly resamples: number },
): Promise<TraceProof> {
  const terms = termsOf(trace, options);
  const latencyUnit = terms.spec.kind === 'time' ? 'ms' : 'requests';
  const accessCount = trace.facts.accessCount;
  const timesAreUnreliable = latencyUnit === 'ms' && areTimesUnreliable(trace.summary.clampedTimeCount, accessCount);
  const blocks = blocksOf(accessCount, options.warmup ?? null, plan.trafficMax.length);
  const context: TraceContext = {
    trace,
    plan,
    terms,
    blocks,
    partition: await partition(trace, plan.writes),
    valuation: {
      prices: plan.config.prices,
      latencyUnit,
      missPenaltyMs: plan.config.missPenaltyMs,
      hasWaits: terms.latency !== '0',
      hasBytes: trace.summary.hasSize,
    },
    timesAreUnreliable,
    ...intervals,
    onProgress: options.onProgress,
  };
  const caches: CacheProof[] = [];
  for (const cache of distinct(plan.sizes.map((size) => resolveCacheSize(size, terms.unit, trace.facts)))) {
    caches.push(await proveCache(cache, context));
  }
  return {
    trace: trace.name,
    format: trace.format,
    log: logCounts(trace),
    latency: terms.latency,
    latencyUnit,
    chosenFrom: blocks.start,
    judgedFrom: blocks.start + blocks.judgedFrom * blocks.accesses,
    end: accessCount,
    blockAccesses: blocks.accesses,
    judgedBlocks: blocks.count - blocks.judgedFrom,
    timesAreUnreliable,
    changes: context.partition.changeCount,
    caches,
  };
}

/** A run, and what it cost by block and part. */
interface Recorded {
  readonly record: RunRecord;
  readonly costs: BlockRecorder;
}

async function proveCache(cache: CacheSize, context: TraceContext): Promise<CacheProof> {
  const { plan, blocks, valuation } = context;
  const evict = plan.evictions[0]!;
  const eviction = evictionOf(evict);
  const alone = { cache, evict, eviction, prefetch: 'none', trafficMax: null, isAsked: true } as const;
  const baseline = await recorded(alone, context);
  const reference =
    eviction === 'lru' ? baseline : await recorded({ ...alone, evict: 'lru', eviction: 'lru' }, context);
  const engines: Recorded[] = [];
  for (const trafficMax of plan.trafficMax) {
    engines.push(await recorded({ ...alone, prefetch: 'anteroom', trafficMax }, context));
  }
  const chosenOn = engines.map(({ costs }) =>
    blocks.judgedFrom === 0
      ? null
      : benefitPerMillionOf(baseline.costs.blocks, costs.blocks, 0, blocks.judgedFrom, valuation),
  );
  const chosen = indexOfLargest(chosenOn);
  const judgedFrom = judgingFrom(blocks);
  const judge = (base: Float64Array, changed: Float64Array): Effect => {
    const effect = effectOf(base, changed, judgedFrom, judgedTo(blocks), valuation, intervalsOf(context));
    return isLongEnough(blocks) ? effect : withoutIntervals(effect);
  };
  const budgets = engines.map(({ record, costs }, i): BudgetProof => {
    return {
      trafficMax: plan.trafficMax[i]!,
      chosenOn: chosenOn[i]!,
      isChosen: i === chosen,
      effect: judge(baseline.costs.blocks, costs.blocks),
      issued: record.ledger.issued,
      latencyMs: latencyOf(costs, record),
    };
  });
  const parts = partProofs(baseline.costs, engines[chosen]!.costs, context, judge);
  const evictionAlone = reference === baseline ? null : judge(reference.costs.blocks, baseline.costs.blocks);
  return {
    cache: { unit: cache.unit, size: cache.size, fraction: cache.fraction },
    evict,
    evictUsed: eviction,
    evictionAlone,
    baselineLatencyMs: latencyOf(baseline.costs, baseline.record),
    baselineOrigin: { requests: baseline.record.ledger.demandFetches, bytes: baseline.record.ledger.demandBytes },
    budgets,
    parts,
    recommendation: recommend({
      budget: budgets[chosen]!,
      ledger: engines[chosen]!.record.ledger,
      baseline: baseline.record.ledger,
      parts,
      evictUsed: eviction,
      cache,
      hasBytes: valuation.hasBytes,
      budgets,
      baselineLatencyMs: latencyOf(baseline.costs, baseline.record),
      latencyUnit: valuation.latencyUnit,
      missPenaltyMs: valuation.missPenaltyMs,
      isSampled: plan.config.ghost.kind === 'sampled',
      isLongEnough: isLongEnough(blocks),
      timesAreUnreliable: context.timesAreUnreliable,
      level: context.level,
    }),
  };
}

/** A log of less than two blocks is judged on what there is; it is never recommended on. */
function judgedTo(blocks: Blocks): number {
  return Math.max(2, blocks.count);
}

/** Every interval draws the same resamples, so equal effects have equal intervals. */
function intervalsOf({ plan, level, resamples }: TraceContext): IntervalOptions {
  return { level, resamples, random: new Xoshiro128(plan.seed).fork('bootstrap') };
}

async function recorded(run: PlannedRun, context: TraceContext): Promise<Recorded> {
  const { trace, plan, terms, blocks } = context;
  const costs = new BlockRecorder(
    blocks.start,
    blocks.accesses,
    judgedTo(blocks),
    context.partition,
    judgingFrom(blocks),
  );
  const bound = run.trafficMax === null ? '' : ` within ${run.trafficMax}`;
  const stage = run.prefetch === 'none' ? `${run.evict} alone` : `${run.evict} with the engine${bound}`;
  const record = await executeRun(trace, run, {
    latency: terms.spec,
    writes: plan.writes,
    warmup: blocks.start,
    seed: plan.seed,
    config: plan.config,
    onSite: (site) => costs.watch(site),
    onProgress: (done) =>
      context.onProgress?.({ trace: trace.name, stage, done, total: trace.facts.accessCount, unit: 'accesses' }),
  });
  costs.close();
  return { record, costs };
}

/** Of the blocks that judge; where fetches take no time, nobody waits. */
function latencyOf({ waits }: BlockRecorder, { ledger }: RunRecord): RunResult['latencyMs'] {
  if (ledger.waits.count === 0) {
    const none = ledger.accesses === 0 ? null : 0;
    return { mean: none, p50: none, p90: none, p99: none };
  }
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => waits.quantile(q)) as [
    number | null,
    number | null,
    number | null,
  ];
  return { mean: waits.mean(), p50, p90, p99 };
}

function isLongEnough(blocks: Blocks): boolean {
  return blocks.count - blocks.judgedFrom >= JUDGED_BLOCKS_MIN;
}

/** First block that judges; a log that is too short for two halves is looked at as a whole. */
function judgingFrom(blocks: Blocks): number {
  return isLongEnough(blocks) ? blocks.judgedFrom : 0;
}

/** An interval of a handful of blocks is no interval: that of one block would have no width at all. */
function withoutIntervals(effect: Effect): Effect {
  const entries = Object.entries(effect).map(([name, { estimate }]) => [name, { estimate, low: null, high: null }]);
  return Object.fromEntries(entries) as Effect;
}

/**
 * Among many parts some look good by chance. A part is called one way or the other only where both halves of the log agree, those
 * blocks that chose and those that judge, each with its whole interval.
 */
function partProofs(
  baseline: BlockRecorder,
  engine: BlockRecorder,
  context: TraceContext,
  judge: (base: Float64Array, changed: Float64Array) => Effect,
): readonly PartProof[] {
  const {
    blocks,
    valuation,
    partition: { parts },
  } = context;
  const total = accessesOf(baseline.blocks);
  const whole = Math.abs(judge(baseline.blocks, engine.blocks).benefitPerMillion.estimate ?? 0);
  return parts.map((part, i): PartProof => {
    const base = baseline.parts[i]!;
    const changed = engine.parts[i]!;
    const effect = judge(base, changed);
    const before =
      blocks.judgedFrom < JUDGED_BLOCKS_MIN
        ? effect
        : effectOf(base, changed, 0, blocks.judgedFrom, valuation, intervalsOf(context));
    const intervals = [before.benefitPerMillion, effect.benefitPerMillion];
    const isWorthWords = Math.abs(effect.benefitPerMillion.estimate ?? 0) > GAIN_MIN * whole;
    // As for the whole: fewer misses saved than that are not worth another moving part, however certain.
    const isGain = (effect.missesSaved.estimate ?? 0) >= GAIN_MIN;
    const pays = isWorthWords && isGain && intervals.every(({ low }) => low !== null && low > 0);
    const loses = isWorthWords && intervals.every(({ high }) => high !== null && high < 0);
    return {
      ...part,
      accessShare: total === 0 ? 0 : accessesOf(base) / total,
      effect: {
        missesSaved: effect.missesSaved,
        waitSaved: effect.waitSaved,
        benefitPerMillion: effect.benefitPerMillion,
      },
      answer: pays ? 'on' : loses ? 'off' : 'unsure',
    };
  });
}

function accessesOf(rows: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < rows.length; at += costColumns) sum += rows[at]!;
  return sum;
}

function indexOfLargest(values: readonly (number | null)[]): number {
  let largest = 0;
  values.forEach((value, i) => {
    if ((value ?? -Infinity) > (values[largest] ?? -Infinity)) largest = i;
  });
  return largest;
}
