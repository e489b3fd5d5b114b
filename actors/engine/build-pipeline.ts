/** From an engine's settings to the actors of its site, wired. */

import type { ActorSystem } from '../../engine/system.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import { BenefitAccount } from '../cache-manager/benefit-account.ts';
import { createSite } from '../cache-manager/create-site.ts';
import type { Eviction } from '../cache-manager/eviction.ts';
import { createEviction } from '../cache-manager/evictions/create-eviction.ts';
import { expertTrustOf } from '../cache-manager/expert-trust.ts';
import { type Lift, liftOf } from '../cache-manager/governor-state.ts';
import { holdoutOf } from '../cache-manager/holdout.ts';
import { missBoundOf } from '../cache-manager/miss-bound.ts';
import type { Origin } from '../cache-manager/origin.ts';
import type { PrefetchAdmission } from '../cache-manager/prefetch-admission.ts';
import type { OnDecision } from '../cache-manager/site.ts';
import { TrafficBudget } from '../cache-manager/traffic-budget.ts';
import { farLoopOf } from '../far-loop-config.ts';
import type { HintBook } from '../hints/hint-book.ts';
import { HintedPrefetcher } from '../hints/hinted-prefetcher.ts';
import type { ForecastsMessage } from '../messages.ts';
import { AnteroomPrefetcher } from '../near-loop/anteroom-prefetcher.ts';
import { type FarLoopLinks, Pipeline } from '../pipeline.ts';
import type { EngineConfig } from './engine-config.ts';
import { EnginePrefetcher } from './engine-prefetcher.ts';

export interface BuildOptions {
  readonly config: EngineConfig;
  readonly system: ActorSystem;
  readonly origin: Origin;
  /** Event time drives fetches; else the log position does. */
  readonly isTimed: boolean;
  readonly addresses: AddressSpace | null;
  readonly segmentCountHint: number;
  readonly hints: HintBook;
  readonly admission: PrefetchAdmission | undefined;
  /** These are told while the actors work: they may only take note. */
  readonly elsewhere?: FarLoopLinks;
  readonly onArrival?: () => void;
  readonly onForecasts: (message: ForecastsMessage) => void;
  readonly onLeave: (segment: number) => void;
  readonly onDecision: OnDecision;
}

/** As `sim/replay/run.ts` builds a run of the engine: the same settings give the same decisions, and a test holds them to it. */
export function buildPipeline(options: BuildOptions): {
  readonly pipeline: Pipeline;
  readonly nearLoop: AnteroomPrefetcher;
  /** What prefetches are worth by those withheld so far; null where none is known. */
  readonly liftNow: () => Lift | null;
} {
  const { config, isTimed, segmentCountHint, admission, onForecasts, onLeave, onDecision } = options;
  const { capacity, unit, prices } = config;
  const missPenaltyMs = isTimed ? null : config.missPenaltyMs;
  const holdout = holdoutOf(config.holdout, config.seed);
  const expertTrust = expertTrustOf(config.expertTrust);
  const made: AnteroomPrefetcher[] = [];
  const evict =
    (name: EngineConfig['eviction']) =>
    (units: number, onEvict?: (segment: number) => void, hint = segmentCountHint): Eviction =>
      createEviction(name, {
        capacity: units,
        unit,
        segmentCountHint: hint,
        ...(onEvict === undefined ? {} : { onEvict }),
      });
  const pipeline = new Pipeline({
    system: options.system,
    name: 'site',
    prices,
    farLoop: farLoopOf(config.farLoop, isTimed),
    bytesPerUnit: unit === 'bytes' ? 1 : null,
    missPenaltyMs,
    onForecasts,
    ...(options.elsewhere === undefined ? {} : { elsewhere: options.elsewhere }),
    ...(options.onArrival === undefined ? {} : { onArrival: options.onArrival }),
    makeSite: (onSettled) =>
      createSite({
        capacity,
        unit,
        makeEviction: evict(config.eviction),
        ...(config.eviction === 'lru' ? {} : { makeReference: evict('lru') }),
        makePrefetcher: (view) => {
          const nearLoop = new AnteroomPrefetcher(view, config.nearLoop, options.addresses);
          made.push(nearLoop);
          return new EnginePrefetcher(new HintedPrefetcher(nearLoop, view, options.hints), onLeave);
        },
        origin: options.origin,
        modelTime: isTimed ? 'ms' : 'requests',
        writes: config.writes,
        missBound: missBoundOf(config.missBound),
        ghost: { ...config.ghost, seed: config.seed },
        ...(holdout === undefined ? {} : { holdout }),
        ...(expertTrust === undefined ? {} : { expertTrust }),
        ...(admission === undefined ? {} : { admission }),
        budget: new TrafficBudget(config.trafficMax ?? Number.POSITIVE_INFINITY, config.trafficAllowance),
        // Where every segment counts as one, the traffic bound alone rules, as in published comparisons.
        ...(unit === 'bytes' ? { benefit: new BenefitAccount({ prices, missPenaltyMs }) } : {}),
        stagingShareMax: config.stagingShareMax,
        queueLengthMax: config.queueLengthMax,
        warmup: config.warmup,
        segmentCountHint,
        onSettled,
        onDecision,
      }),
  });
  const liftNow = (): Lift | null => (holdout === undefined ? null : liftOf(holdout.counts));
  return { pipeline, nearLoop: made[0]!, liftNow };
}
