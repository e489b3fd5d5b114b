/** A replay: traces through every combination of cache, eviction and prefetcher, measured by one set of definitions. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { VERSION } from '../../engine/version.ts';
import type { FormatOptions } from '../../streams/format.ts';
import { createBaseline } from '../baselines/index.ts';
import { defaultLatency, parseLatencySpec } from '../origin/latency-spec.ts';
import { parseCacheSizes, resolveCacheSize } from './cache-size.ts';
import { insightOf } from './insight.ts';
import { measure, runDetails } from './measure.ts';
import { evictionOf, type PlannedRun, planRuns } from './plan-runs.ts';
import { type ReplayConfig, replayConfigSchema } from './replay-config.ts';
import type { ReplayResult, RunDetails, RunResult, TraceInsight } from './result.ts';
import { executeRun, type RunRecord } from './run.ts';
import { Trace } from './trace.ts';

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
  /** As `--latency`. Default: 50ms@100MB/sx32 where the trace has time, else 8req. */
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
  const config = options.config ?? replayConfigSchema.parse({});
  const seed = options.seed ?? 1;
  const evictions = options.evict ?? ['auto'];
  const prefetchers = options.prefetch ?? ['none', 'anteroom'];
  for (const evict of evictions) evictionOf(evict);
  for (const prefetch of prefetchers) checkPrefetcher(prefetch);
  const sizes = parseCacheSizes(options.cache ?? '0.01,0.1');
  if (options.latency !== undefined) parseLatencySpec(options.latency);

  const runs: RunResult[] = [];
  const details: RunDetails[] = [];
  const insights: TraceInsight[] = [];
  const warnings: string[] = [];
  for (const name of options.traces) {
    const trace = await Trace.open(name, {
      seed,
      addressBytes: options.addresses ?? null,
      ...(options.format === undefined ? {} : { format: options.format }),
      ...(options.formatOptions === undefined ? {} : { formatOptions: options.formatOptions }),
      ...(options.isLenient === undefined ? {} : { isLenient: options.isLenient }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
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
    try {
      warnings.push(...traceWarnings(trace, prefetchers));
      const unit = options.unit ?? (trace.summary.hasSize ? 'bytes' : 'segments');
      if (unit === 'bytes' && !trace.summary.hasSize) {
        throw new AnteroomError('bad-usage', `--unit bytes: ${name} has no sizes; use --unit segments`);
      }
      const latency = options.latency ?? defaultLatency(trace.facts.timeSpanMs !== null);
      const spec = parseLatencySpec(latency);
      if (spec.kind === 'time' && trace.facts.timeSpanMs === null) {
        throw new AnteroomError(
          'bad-usage',
          `--latency ${latency}: ${name} has no times; count accesses instead, as in 8req`,
        );
      }
      const caches = sizes.map((size) => resolveCacheSize(size, unit, trace.facts));
      const planned = planRuns(caches, evictions, prefetchers, options.trafficMax ?? [1.3]);
      const records = new Map<PlannedRun, RunRecord>();
      for (const [i, run] of planned.entries()) {
        const stage = `run ${i + 1} of ${planned.length}: ${run.prefetch} on ${run.evict}`;
        records.set(
          run,
          await executeRun(trace, run, {
            latency: spec,
            writes: options.writes ?? 'access',
            warmup: options.warmup ?? 0,
            seed,
            config,
            onProgress: (done) =>
              options.onProgress?.({ trace: name, stage, done, total: trace.facts.accessCount, unit: 'accesses' }),
          }),
        );
      }
      for (const run of planned) {
        const record = records.get(run)!;
        const baseline = planned.find(
          (r) => r.cache === run.cache && r.eviction === run.eviction && r.prefetch === 'none',
        )!;
        const reference = planned.find((r) => r.cache === run.cache && r.eviction === 'lru' && r.prefetch === 'none')!;
        const notes = runNotes(run, record, trace);
        runs.push({
          trace: name,
          format: trace.format,
          accesses: record.ledger.accesses,
          segments: trace.facts.segmentCount,
          bytes: trace.summary.hasSize ? trace.facts.requestedBytes : null,
          cache: { unit: run.cache.unit, size: run.cache.size, fraction: run.cache.fraction },
          evict: run.evict,
          evictUsed: run.eviction,
          prefetch: run.prefetch,
          trafficMax: run.trafficMax,
          latency,
          latencyUnit: spec.kind === 'time' ? 'ms' : 'requests',
          ...measure(record.ledger, {
            baseline: records.get(baseline)!.ledger,
            reference: records.get(reference)!.ledger,
            prices: config.prices,
            latencyUnit: spec.kind === 'time' ? 'ms' : 'requests',
            missPenaltyMs: config.missPenaltyMs,
          }),
          refusals: record.ledger.refusalCounts(),
          trafficBreaches: record.trafficBreaches,
          trafficOvershoot: record.trafficOvershoot,
          clampedTimes: trace.summary.clampedTimeCount,
          notes,
          seconds: record.seconds,
          requestsPerSecond: record.seconds > 0 ? trace.facts.accessCount / record.seconds : 0,
          rssBytesMax: record.rssBytesMax,
          digest: record.ledger.digest.hex(),
        });
        details.push(runDetails(record.ledger, record.experts));
      }
      if (options.wantsInsight === true) insights.push(await insightOf(trace));
    } finally {
      await trace.close();
    }
  }
  return {
    result: { schema: 'anteroom.replay/1', version: VERSION, seed, runs },
    details,
    insights,
    warnings,
  };
}

/** Refuses a prefetcher's name or settings before anything is read. */
function checkPrefetcher(prefetch: string): void {
  if (prefetch === 'anteroom') return;
  const isClairvoyant = prefetch.split(':')[0] === 'clairvoyant';
  createBaseline(prefetch, {
    addresses: null,
    ...(isClairvoyant
      ? {
          clairvoyance: {
            upcoming: { depth: 1, segmentAfter: () => -1, sizeBytesAfter: () => -1 },
            cache: { capacity: 1, unit: 'segments' as const },
          },
        }
      : {}),
  });
}

function traceWarnings(trace: Trace, prefetchers: readonly string[]): string[] {
  const warnings: string[] = [];
  const { summary } = trace;
  if (summary.rejectedCount > 0) {
    warnings.push(`${trace.name}: ${summary.rejectedCount} bad records passed over; the first:`, ...summary.rejections);
  }
  for (const [reason, count] of summary.skipped) warnings.push(`${trace.name}: skipped ${count} records: ${reason}`);
  if (summary.clampedTimeCount > 0) {
    warnings.push(`${trace.name}: ${summary.clampedTimeCount} times went backwards and were clamped`);
  }
  if (trace.addresses === null && prefetchers.some((prefetch) => prefetch.split(':')[0] === 'obl')) {
    warnings.push(`${trace.name}: ids are opaque, so obl abstains; say --addresses BYTES if they are addresses`);
  }
  return warnings;
}

function runNotes(run: PlannedRun, record: RunRecord, trace: Trace): string[] {
  const notes: string[] = [];
  if (!run.isAsked) notes.push('reference');
  if (run.prefetch.split(':')[0] === 'obl' && trace.addresses === null) notes.push('abstains: ids are opaque');
  if (record.trafficBreaches > 0)
    notes.push(`fetches stood above the traffic bound after ${record.trafficBreaches} accesses`);
  return notes;
}
