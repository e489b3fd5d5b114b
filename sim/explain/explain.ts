/** Replays a log once and tells why: of one segment event by event, of the whole log in sums. */

import { missClassNames } from '../../actors/cache-manager/miss-classes.ts';
import { farExperts } from '../../actors/pipeline.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { VERSION } from '../../engine/version.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import { checkOptions } from '../replay/check-options.ts';
import { evictionOf, type PlannedRun } from '../replay/plan-runs.ts';
import { openTrace, type ReplayOptions, termsOf } from '../replay/replay.ts';
import { executeRun } from '../replay/run.ts';
import type { Trace } from '../replay/trace.ts';
import type { LogStory, RemainingMisses, SegmentStory, StoryRun } from './story.ts';
import { StoryRecorder } from './story-recorder.ts';

/** As a replay's, for one trace, one cache, one eviction, one bound, and the engine. */
export interface ExplainOptions
  extends Omit<ReplayOptions, 'traces' | 'cache' | 'evict' | 'prefetch' | 'trafficMax' | 'wantsInsight'> {
  readonly trace: string;
  /** Default `0.1`. */
  readonly cache?: string;
  /** Default `auto`. */
  readonly evict?: string;
  /** Null = no bound. Default 1.3. */
  readonly trafficMax?: number | null;
  /** Name of the segment to follow; without it the whole log is summed up. */
  readonly segment?: string;
  /** First log position of which events are told. Default 0. */
  readonly from?: number;
  /** Events told at most. Default 40. */
  readonly eventsMax?: number;
  /** Segments listed by their remaining misses. Default 10. */
  readonly worstMax?: number;
}

/**
 * Decisions are those of the same replay, to the last bit: the digest says so.
 * @throws AnteroomError 'bad-usage' for a segment that the log does not name, and as `replay` does.
 */
export async function explain(options: ExplainOptions): Promise<SegmentStory | LogStory> {
  const { cache = '0.1', evict = 'auto', trafficMax = 1.3 } = options;
  const replayOptions: ReplayOptions = {
    ...options,
    traces: [options.trace],
    cache,
    evict: [evict],
    prefetch: ['anteroom'],
    trafficMax: [trafficMax],
  };
  const plan = checkOptions(replayOptions);
  if (plan.sizes.length !== 1) {
    throw new AnteroomError('bad-usage', `--cache: expected one size to explain, found ${plan.sizes.length}`);
  }
  const trace = await openTrace(options.trace, replayOptions);
  try {
    const target = options.segment === undefined ? -1 : segmentOf(trace, options.segment);
    const terms = termsOf(trace, replayOptions);
    const run: PlannedRun = {
      cache: resolveCacheSize(plan.sizes[0]!, terms.unit, trace.facts),
      evict,
      eviction: evictionOf(evict),
      prefetch: 'anteroom',
      trafficMax,
      isAsked: true,
    };
    const experts: string[] = [];
    const recorder = new StoryRecorder(
      {
        segment: (id) => nameOf(trace, id),
        consumer: (id) => (id < 0 ? null : trace.consumers.nameOf(id)),
        experts,
      },
      target,
      options.eventsMax ?? 40,
      options.from ?? 0,
    );
    const record = await executeRun(trace, run, {
      latency: terms.spec,
      writes: plan.writes,
      warmup: plan.warmup,
      seed: plan.seed,
      config: plan.config,
      onSite: (site) => {
        experts.push(...(site.prefetcher?.experts ?? []), ...farExperts);
        recorder.onSite(site);
      },
      onPipeline: ({ scheduler }) => {
        const plans = scheduler?.scheduler ?? null;
        if (plans !== null)
          recorder.watchPlans((id) => plans.planned().find(({ segment }) => segment === id)?.netBenefit ?? null);
      },
      onDecision: recorder.onDecision,
      onProgress: (done) =>
        options.onProgress?.({
          trace: trace.name,
          stage: 'replaying',
          done,
          total: trace.facts.accessCount,
          unit: 'accesses',
        }),
    });
    recorder.close();
    const { ledger } = record;
    const storyRun: StoryRun = {
      trace: trace.name,
      format: trace.format,
      accesses: trace.facts.accessCount,
      cache: { unit: run.cache.unit, size: run.cache.size, fraction: run.cache.fraction },
      evict,
      trafficMax,
      latency: terms.latency,
      ghost: plan.config.ghost.kind,
      digest: ledger.digest.hex(),
    };
    const head = { schema: 'anteroom.explain/1', version: VERSION, run: storyRun } as const;
    if (target >= 0) {
      const { demands, hits, avoided, misses, issued, events, omitted } = recorder;
      const missClasses = classesOf(recorder.byMiss.get(target));
      return {
        ...head,
        segment: options.segment!,
        demands,
        hits,
        avoided,
        misses,
        missClasses,
        issued,
        events,
        omitted,
      };
    }
    return {
      ...head,
      baselineMisses: ledger.baselineMisses,
      avoided: ledger.coveredMisses,
      pollution: ledger.pollutionMisses,
      misses: ledger.misses,
      missClasses: ledger.missClassCounts(),
      worst: worstOf(recorder, trace, options.worstMax ?? 10),
    };
  } finally {
    await trace.close();
  }
}

function segmentOf(trace: Trace, name: string): number {
  const id = trace.segments.idOf(name);
  if (id < 0) throw new AnteroomError('bad-usage', `--segment: ${trace.name} names no segment ${JSON.stringify(name)}`);
  return id;
}

/** Addresses that no access has named may be staged too. */
function nameOf(trace: Trace, id: number): string {
  return id < trace.segments.count ? trace.segments.nameOf(id) : `#${id}`;
}

function worstOf(recorder: StoryRecorder, trace: Trace, count: number): readonly RemainingMisses[] {
  const totals = [...recorder.byMiss].map(([id, counts]) => ({
    id,
    counts,
    misses: counts.reduce((a, b) => a + b, 0),
  }));
  return totals
    .sort((a, b) => b.misses - a.misses || a.id - b.id)
    .slice(0, count)
    .map(({ id, counts, misses }) => ({ segment: nameOf(trace, id), misses, missClasses: classesOf(counts) }));
}

function classesOf(counts: Float64Array | undefined): SegmentStory['missClasses'] {
  const entries = missClassNames.map((name, i) => [name, counts?.[i] ?? 0] as const);
  return Object.fromEntries(entries) as SegmentStory['missClasses'];
}
