/** The public surface of the actors: the site and its evictions, the models of the far loop, and the pipeline that wires them. */

export { AccessMap, type SegmentUse } from './aggregator/access-map.ts';
export { AggregatorActor } from './aggregator/aggregator-actor.ts';
export { MergedAccessMap } from './aggregator/merged-access-map.ts';
export { CacheManagerActor } from './cache-manager/cache-manager-actor.ts';
export { createSite } from './cache-manager/create-site.ts';
export {
  type Eviction,
  type EvictionName,
  type EvictionOptions,
  evictionNames,
  type Future,
} from './cache-manager/eviction.ts';
export { createEviction } from './cache-manager/evictions/create-eviction.ts';
export { Ledger } from './cache-manager/ledger.ts';
export type { Origin } from './cache-manager/origin.ts';
export type { Site, SiteOptions } from './cache-manager/site.ts';
export { TrafficBudget } from './cache-manager/traffic-budget.ts';
export { type FarLoopConfig, farLoopConfigSchema } from './far-loop-config.ts';
export { CalibrationStats, type ReliabilityBin } from './forecaster/calibration-stats.ts';
export { Forecaster } from './forecaster/forecaster.ts';
export { ForecasterActor } from './forecaster/forecaster-actor.ts';
export { type Dependency, DependencyGraph } from './graph-builder/dependency-graph.ts';
export { GraphBuilderActor } from './graph-builder/graph-builder-actor.ts';
export { IntervalModel } from './interval-predictor/interval-model.ts';
export { IntervalPredictorActor } from './interval-predictor/interval-predictor-actor.ts';
export type * from './messages.ts';
export { AnteroomPrefetcher } from './near-loop/anteroom-prefetcher.ts';
export { Pipeline } from './pipeline.ts';
export { PrefetchScheduler } from './prefetch-scheduler/prefetch-scheduler.ts';
export { PrefetchSchedulerActor } from './prefetch-scheduler/prefetch-scheduler-actor.ts';
export {
  type AccessCursor,
  type AddressSpace,
  Outcome,
  outcomeNames,
  type Prefetcher,
  ProposalBuffer,
  Served,
  type SiteView,
} from './prefetcher.ts';
export { defaultPrices, type Prices, pricesSchema } from './prices.ts';
export { type DemandForecast, DemandForecaster } from './seasonal-predictor/demand-forecaster.ts';
export { type HourlyDemand, SeasonalModel } from './seasonal-predictor/seasonal-model.ts';
export { SeasonalPredictorActor } from './seasonal-predictor/seasonal-predictor-actor.ts';
export { createNextItemModel } from './sequence-predictor/create-next-item-model.ts';
export {
  type NextItemConfig,
  type NextItemConfigInput,
  nextItemConfigSchema,
  type PredictionModelType,
} from './sequence-predictor/next-item-config.ts';
export { type NextItemModel, NextItemRanking } from './sequence-predictor/next-item-model.ts';
