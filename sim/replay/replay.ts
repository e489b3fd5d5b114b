/** A replay: traces through every combination of cache, eviction and prefetcher, measured by one set of definitions. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { defaultLatency, type LatencySpec, parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { VERSION } from '../../engine/version.ts';
import type { FormatOptions } from '../../streams/format.ts';
import { countedText } from '../report/words.ts';
import { leastCacheWarning, resolveCacheSize } from './cache-size.ts';
import { checkOptions, type ReplayPlan, traceOptionsOf } from './check-options.ts';
import { executeRuns, jobsWithin, jobsWorthwhile } from './execute-runs.ts';
import { hintWarning } from './hint-warning.ts';
import { insightOf } from './insight.ts';
import { measure, runDetails } from './measure.ts';
import { type PlannedRun, planRuns } from './plan-runs.ts';
import type { ReplayConfig } from './replay-config.ts';
import type { LogCounts, ReplayResult, RunDetails, RunResult, TraceInsight } from './result.ts';
import type { RunRecord } from './run.ts';
import { runGovernor } from './run-governor.ts';
import { Trace } from './trace.ts';
import { areTimesUnreliable, traceWarnings } from './trace-warnings.ts';

/** What to replay, and how. Every field but `traces` has a default. */
export interface ReplayOptions {
  /** Files, `-` for standard input, or built-in workloads as `workload:NAME,parameter=value`. */
  readonly traces: readonly string[];
  readonly format?: string;
  readonly formatOptions?: FormatOptions;
  /** As `--cache`. Default `0.01,0.1`. */
  readonly cache?: string;
  readonly evict?: readonly string[];
  readonly prefetch?: readonly string[];
  /** Default: bytes where the trace has sizes. */
  readonly unit?: 'segments' | 'bytes';
  /** As `--latency`. Default: 50ms@100MB/sx32 where the trace has times that can be relied on, else 8req. */
  readonly latency?: string;
  /** Null entries = no bound. Default `[1.3]`. */
  readonly trafficMax?: readonly (number | null)[];
  /** Unit in bytes of segments that are addresses. */
  readonly addresses?: number;
  readonly writes?: WritePolicy;
  readonly isLenient?: boolean;
  readonly warmup?: number;
  readonly limit?: number;
  readonly seed?: number;
  readonly config?: ReplayConfig;
  /** Runs made at once, each but one in a thread of its own; fewer where memory does not allow. `auto`: one a core, where there is work enough for a thread to pay for its start. Results do not depend on it. Default 1. */
  readonly jobs?: number | 'auto';
  /** Told, in a sentence, what was not done as asked for want of memory. */
  readonly onNotice?: (notice: string) => void;
  /** Rows of a batch: results do not depend on it. */
  readonly rowsMax?: number;
  /** Also learn the access map and the dependency graph of each trace, for the report. */
  readonly wantsInsight?: boolean;
  readonly onProgress?: (progress: ReplayProgress) => void;
}

/** How far a replay is. */
export interface ReplayProgress {
  readonly trace: string;
  /** What is going on, for a person. */
  readonly stage: string;
  /** Of this stage, in `unit`s; `total` null = unknown. */
  readonly done: number;
  readonly total: number | null;
  readonly unit: 'bytes' | 'accesses';
}

/** Everything a replay found. `details[i]` belongs to `result.runs[i]`. */
export interface ReplayOutcome {
  readonly result: ReplayResult;
  readonly details: readonly RunDetails[];
  readonly insights: readonly TraceInsight[];
  /** Things a person should know, one sentence each: rejected records, clamped times, prefetchers that had to abstain. */
  readonly warnings: readonly string[];
}

/**
 * Replays traces.
 * @throws AnteroomError 'bad-usage' for settings that contradict the trace, and whatever the reader throws.
 */
export async function replay(options: ReplayOptions): Promise<ReplayOutcome> {
  const plan = checkOptions(options);
  const runs: RunResult[] = [];
  const details: RunDetails[] = [];
  const insights: TraceInsight[] = [];
  const warnings: string[] = [];
  for (const name of new Set(options.traces)) {
    const trace = await openTrace(name, options);
    try {
      warnings.push(...traceWarnings(trace, plan.prefetchers, plan.warmup, options.latency));
      const hints = plan.prefetchers.includes('anteroom') ? hintWarning(trace, plan.config.hints) : '';
      if (hints !== '') warnings.push(hints);
      const outcome = await replayTrace(trace, plan, options);
      const small = leastCacheWarning(
        name,
        outcome.runs[0]?.log.segments ?? 0,
        outcome.runs.map(({ cache }) => cache),
      );
      if (small !== '') warnings.push(small);
      runs.push(...outcome.runs);
      details.push(...outcome.details);
      if (options.wantsInsight === true) {
        insights.push(await insightOf(trace, { writes: plan.writes, farLoop: plan.config.farLoop }));
      }
    } finally {
      await trace.close();
    }
  }
  return {
    result: { schema: 'anteroom.replay/1', version: VERSION, seed: plan.seed, runs },
    details,
    insights,
    warnings,
  };
}

/** Reads a trace, telling of its progress. @throws AnteroomError as `Trace.open` does. */
export function openTrace(name: string, options: ReplayOptions): Promise<Trace> {
  return Trace.open(name, {
    ...traceOptionsOf(options),
    onProgress: (bytes, total, accesses) => {
      const isKnown = bytes !== null && total !== null;
      options.onProgress?.({
        trace: name,
        stage: 'reading',
        done: isKnown ? bytes : accesses,
        total: isKnown ? total : null,
        unit: isKnown ? 'bytes' : 'accesses',
      });
    },
  });
}

/** How caches are counted and fetches take time on one trace. */
export interface TraceTerms {
  readonly unit: 'segments' | 'bytes';
  readonly latency: string;
  readonly spec: LatencySpec;
}

/** @throws AnteroomError 'bad-usage' where the options ask of the trace what it does not have. */
export function termsOf(trace: Trace, options: ReplayOptions): TraceTerms {
  const unit = options.unit ?? (trace.summary.hasSize ? 'bytes' : 'segments');
  if (unit === 'bytes' && !trace.summary.hasSize) {
    const why = trace.foreignSizes === null ? 'has no sizes' : `has ${trace.foreignSizes} where sizes would be`;
    throw new AnteroomError('bad-usage', `--unit bytes: ${trace.name} ${why}; use --unit segments`);
  }
  const { accessCount, timeSpanMs } = trace.facts;
  const hasTimes = timeSpanMs !== null && !areTimesUnreliable(trace.summary.clampedTimeCount, accessCount);
  const latency = options.latency ?? defaultLatency(hasTimes);
  const spec = parseLatencySpec(latency);
  if (spec.kind === 'time' && trace.facts.timeSpanMs === null) {
    throw new AnteroomError(
      'bad-usage',
      `--latency ${latency}: ${trace.name} has no times; count accesses instead, as in 8req`,
    );
  }
  return { unit, latency, spec };
}

async function replayTrace(
  trace: Trace,
  plan: ReplayPlan,
  options: ReplayOptions,
): Promise<{ readonly runs: readonly RunResult[]; readonly details: readonly RunDetails[] }> {
  const { config, writes, warmup } = plan;
  const { unit, latency, spec } = termsOf(trace, options);
  const latencyUnit = spec.kind === 'time' ? 'ms' : 'requests';
  const caches = distinct(plan.sizes.map((size) => resolveCacheSize(size, unit, trace.facts)));
  const planned = planRuns(caches, plan.evictions, plan.prefetchers, plan.trafficMax);
  const wanted = options.jobs === 'auto' ? jobsWorthwhile(trace.facts, planned.length) : (options.jobs ?? 1);
  const asked = Math.min(wanted, planned.length);
  const jobs = jobsWithin(asked, trace.facts);
  if (jobs < asked) options.onNotice?.(`${trace.name}: memory allows ${jobs} of ${asked} runs at once`);
  const { accessCount } = trace.facts;
  const records = await executeRuns(trace, planned, {
    context: { latency: spec, writes, warmup, seed: plan.seed, config },
    jobs,
    onProgress: (run, served, servedInAll) => {
      const isOneByOne = jobs === 1 || planned.length === 1;
      options.onProgress?.({
        trace: trace.name,
        stage: isOneByOne
          ? `run ${planned.indexOf(run) + 1} of ${planned.length}: ${run.prefetch} on ${run.evict}`
          : `${planned.length} runs, up to ${jobs} at once`,
        done: isOneByOne ? served : servedInAll,
        total: isOneByOne ? accessCount : accessCount * planned.length,
        unit: 'accesses',
      });
    },
  });
  const log = logCounts(trace);
  const counted = await trace.countDemands(warmup, writes);
  const { readSeconds } = trace;
  const runs = planned.map((run): RunResult => {
    const record = records.get(run)!;
    const isBaseline = (r: PlannedRun): boolean =>
      r.cache === run.cache && r.eviction === run.eviction && r.prefetch === 'none';
    const isReference = (r: PlannedRun): boolean =>
      r.cache === run.cache && r.eviction === 'lru' && r.prefetch === 'none';
    return {
      trace: trace.name,
      format: trace.format,
      accesses: record.ledger.accesses,
      segments: counted.segments,
      bytes: trace.summary.hasSize ? counted.bytes : null,
      log,
      cache: { unit: run.cache.unit, size: run.cache.size, fraction: run.cache.fraction },
      evict: run.evict,
      evictUsed: run.eviction,
      prefetch: run.prefetch,
      trafficMax: run.trafficMax,
      latency,
      latencyUnit,
      ...measure(record.ledger, {
        baseline: records.get(planned.find(isBaseline)!)!.ledger,
        reference: records.get(planned.find(isReference)!)!.ledger,
        prices: config.prices,
        latencyUnit,
        missPenaltyMs: config.missPenaltyMs,
      }),
      refusals: record.ledger.refusalCounts(),
      missClasses: record.ledger.missClassCounts(),
      trafficBreaches: record.trafficBreaches,
      trafficOvershoot: record.trafficOvershoot,
      missBreaches: record.missBreaches,
      missExcess: record.missExcess,
      holdout: record.holdout,
      governor: runGovernor(record),
      clampedTimes: trace.summary.clampedTimeCount,
      notes: runNotes(run, record, trace, latencyUnit),
      seconds: record.seconds,
      readSeconds,
      requestsPerSecond: rate(log.accesses, readSeconds + record.seconds),
      replayRequestsPerSecond: rate(log.accesses, record.seconds),
      rssBytesMax: record.rssBytesMax,
      digest: record.ledger.digest.hex(),
    };
  });
  const details = planned.map((run) => runDetails(records.get(run)!.ledger, records.get(run)!.experts));
  return { runs, details };
}

export function logCounts(trace: Trace): LogCounts {
  const { facts, summary } = trace;
  return {
    accesses: facts.accessCount,
    segments: facts.distinctCount,
    bytes: summary.hasSize ? facts.requestedBytes : null,
    rejected: summary.rejectedCount,
    skipped: Object.fromEntries(summary.skipped),
  };
}

/** Each cache once, however often it was asked for. */
export function distinct<T extends object>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function rate(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0;
}

function runNotes(run: PlannedRun, record: RunRecord, trace: Trace, latencyUnit: RunResult['latencyUnit']): string[] {
  const notes: string[] = [];
  if (!run.isAsked) notes.push('reference');
  if (run.prefetch.split(':')[0] === 'obl' && trace.addresses === null) notes.push('abstains: ids are opaque');
  if (latencyUnit === 'ms' && areTimesUnreliable(trace.summary.clampedTimeCount, trace.facts.accessCount)) {
    notes.push('timed figures are unreliable: too many times of the log went backwards');
  }
  if (record.trafficBreaches > 0)
    notes.push(
      `fetches stood above the traffic bound after ${countedText(record.trafficBreaches, 'access', 'accesses')}`,
    );
  return notes;
}
