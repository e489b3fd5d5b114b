/** A site whose fetches take what a latency model says, from the settings of an engine. */

import { BenefitAccount } from '../../actors/cache-manager/benefit-account.ts';
import { createSite } from '../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { expertTrustOf } from '../../actors/cache-manager/expert-trust.ts';
import { holdoutOf } from '../../actors/cache-manager/holdout.ts';
import { missBoundOf } from '../../actors/cache-manager/miss-bound.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import type { EngineConfig } from '../../actors/engine/engine-config.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../actors/origin/simulated-origin.ts';

/** The site of an engine in modelled mode, for a log without addresses. */
export function modelledSite(
  config: EngineConfig,
  onSettled: (segment: number, expert: number, outcome: number) => void,
): Site {
  const latency = parseLatencySpec(config.latency);
  const isTimed = latency.kind === 'time';
  const eviction =
    (name: EngineConfig['eviction']) =>
    (capacity: number, onEvict?: (segment: number) => void, hint = 1024) =>
      createEviction(name, {
        capacity,
        unit: config.unit,
        segmentCountHint: hint,
        ...(onEvict === undefined ? {} : { onEvict }),
      });
  const { prices } = config;
  const holdout = holdoutOf(config.holdout, config.seed);
  const expertTrust = expertTrustOf(config.expertTrust);
  const missPenaltyMs = isTimed ? null : config.missPenaltyMs;
  return createSite({
    capacity: config.capacity,
    unit: config.unit,
    makeEviction: eviction(config.eviction),
    ...(config.eviction === 'lru' ? {} : { makeReference: eviction('lru') }),
    makePrefetcher: (view) => new AnteroomPrefetcher(view, config.nearLoop, null),
    origin: createOrigin(latency, config.seed),
    modelTime: isTimed ? 'ms' : 'requests',
    writes: config.writes,
    missBound: missBoundOf(config.missBound),
    ghost: { ...config.ghost, seed: config.seed },
    ...(holdout === undefined ? {} : { holdout }),
    ...(expertTrust === undefined ? {} : { expertTrust }),
    budget: new TrafficBudget(config.trafficMax ?? Number.POSITIVE_INFINITY, config.trafficAllowance),
    ...(config.unit === 'bytes' ? { benefit: new BenefitAccount({ prices, missPenaltyMs }) } : {}),
    stagingShareMax: config.stagingShareMax,
    queueLengthMax: config.queueLengthMax,
    warmup: config.warmup,
    segmentCountHint: 1024,
    onSettled,
  });
}
