/** The site of a run: caches, bounds, origin and prefetcher as the plan and the settings say. */

import { BenefitAccount } from '../../actors/cache-manager/benefit-account.ts';
import { createSite } from '../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { expertTrustOf } from '../../actors/cache-manager/expert-trust.ts';
import type { Holdout } from '../../actors/cache-manager/holdout.ts';
import { missBoundOf } from '../../actors/cache-manager/miss-bound.ts';
import { admissionOf } from '../../actors/cache-manager/prefetch-admission.ts';
import type { MakeEviction, Site, SiteOptions } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import { HintBook } from '../../actors/hints/hint-book.ts';
import { HintedPrefetcher } from '../../actors/hints/hinted-prefetcher.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { createOrigin } from '../../actors/origin/simulated-origin.ts';
import type { AddressSpace, Prefetcher, SiteView } from '../../actors/prefetcher.ts';
import type { OrderTaker } from '../../actors/sequence-predictor/order-ahead.ts';
import type { Interner } from '../../streams/interner.ts';
import { createBaseline } from '../baselines/index.ts';
import type { FutureTable, LookAhead } from './future.ts';
import type { PlannedRun } from './plan-runs.ts';
import type { ReplayConfig } from './replay-config.ts';
import type { RunContext, RunTrace } from './run.ts';
import type { TraceFacts } from './trace.ts';

/** Slices of a run that the report draws over time. */
const SLICES = 60;

/** Accesses in a slice of a run's ledger. */
export function sliceLengthOf(facts: TraceFacts): number {
  return Math.max(1, Math.ceil(facts.accessCount / SLICES));
}

/** What a run has before its site. */
export interface RunSiteOptions {
  readonly run: PlannedRun;
  readonly trace: RunTrace;
  readonly context: RunContext;
  /** Null where segments are no addresses. */
  readonly addresses: AddressSpace | null;
  /** Null where the eviction knows no future. */
  readonly future: FutureTable | null;
  /** Null where the prefetcher knows none. */
  readonly lookAhead: LookAhead | null;
  readonly holdout: Holdout | undefined;
  readonly onSettled: NonNullable<SiteOptions['onSettled']>;
  /** Who would learn order for the engine, or null. */
  readonly orderTaker: OrderTaker | null;
}

export function createRunSite(options: RunSiteOptions): Site {
  const { run, trace, context, future, lookAhead, onSettled } = options;
  const { config } = context;
  const segmentCountHint = trace.facts.segmentCount;
  const evictionOf =
    (name: PlannedRun['eviction']): MakeEviction =>
    (capacity, onEvict, hint = segmentCountHint) =>
      createEviction(name, {
        capacity,
        segmentCountHint: hint,
        unit: run.cache.unit,
        ...(onEvict === undefined ? {} : { onEvict }),
        ...(future === null ? {} : { future }),
      });
  const beforeAccess = observer(future, lookAhead);
  return createSite({
    capacity: run.cache.size,
    unit: run.cache.unit,
    makeEviction: evictionOf(run.eviction),
    ...(run.eviction === 'lru' ? {} : { makeReference: evictionOf('lru') }),
    makePrefetcher:
      run.prefetch === 'none' && context.onSite === undefined ? null : (view) => makePrefetcher(options, view),
    origin: createOrigin(context.latency, context.seed),
    modelTime: context.latency.kind === 'time' ? 'ms' : 'requests',
    writes: context.writes,
    budget: new TrafficBudget(run.trafficMax ?? Number.POSITIVE_INFINITY, config.trafficAllowance),
    ...(run.prefetch === 'anteroom' ? engineBounds(options) : {}),
    stagingShareMax: config.stagingShareMax,
    queueLengthMax: config.queueLengthMax,
    warmup: context.warmup,
    sliceLength: sliceLengthOf(trace.facts),
    segmentCountHint,
    onSettled,
    ...(context.onDecision === undefined ? {} : { onDecision: context.onDecision }),
    ...(beforeAccess === null ? {} : { future: { beforeAccess } }),
  });
}

/** What holds the engine back, and nobody else. */
function engineBounds({ run, trace, context, addresses, holdout }: RunSiteOptions): Partial<SiteOptions> {
  const { config, seed, latency } = context;
  const { segments } = trace;
  const isTimed = latency.kind === 'time';
  const admission = admissionOf({
    ...config,
    isTimed,
    // Neighbours of addresses may have no name of the trace.
    nameOf: (segment) =>
      segment < segments.count ? segments.nameOf(segment) : String(addresses?.addressOf(segment) ?? segment),
  });
  const expertTrust = expertTrustOf(config.expertTrust);
  const missPenaltyMs = isTimed ? null : config.missPenaltyMs;
  // Where every segment counts as one, the traffic bound alone rules, as in published comparisons.
  const benefit = run.cache.unit === 'bytes' ? new BenefitAccount({ prices: config.prices, missPenaltyMs }) : undefined;
  return {
    missBound: missBoundOf(config.missBound),
    ...(admission === undefined ? {} : { admission }),
    // A policy that knows the future knows it by the trace's ids, not by those of a sample.
    ...(run.eviction === 'belady' ? {} : { ghost: { ...config.ghost, seed } }),
    ...(holdout === undefined ? {} : { holdout }),
    ...(expertTrust === undefined ? {} : { expertTrust }),
    ...(benefit === undefined ? {} : { benefit }),
  };
}

function makePrefetcher(options: RunSiteOptions, view: SiteView): Prefetcher {
  const { run, trace, context, addresses, lookAhead, orderTaker } = options;
  const { config } = context;
  if (run.prefetch === 'anteroom') {
    const nearLoop = new AnteroomPrefetcher(view, config.nearLoop, addresses);
    if (orderTaker !== null) nearLoop.offerOrder(orderTaker);
    return config.hints.lists.length === 0
      ? nearLoop
      : new HintedPrefetcher(nearLoop, view, hintsFor(config, trace.segments));
  }
  return createBaseline(run.prefetch, {
    addresses,
    ...(lookAhead === null
      ? {}
      : { clairvoyance: { upcoming: lookAhead, cache: { capacity: run.cache.size, unit: run.cache.unit }, view } }),
  });
}

/** The hints of the settings; names that the trace does not have are passed over. */
function hintsFor(config: ReplayConfig, segments: Interner): HintBook {
  const book = new HintBook(config.hints);
  for (const hint of config.hints.lists)
    book.add(
      hint,
      Int32Array.from(hint.segments, (name) => segments.idOf(name)),
    );
  return book;
}

/** One call before each access for whoever needs it, or null: a run that knows no future pays nothing. */
function observer(
  future: FutureTable | null,
  lookAhead: LookAhead | null,
): ((position: number, segment: number) => void) | null {
  if (future === null && lookAhead === null) return null;
  return (position, segment) => {
    future?.beforeAccess(position, segment);
    lookAhead?.beforeAccess(position);
  };
}
