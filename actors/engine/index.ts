/** The engine as a library: what `import ... from 'anteroom'` gives. */

export { AnteroomError, type ErrorCode } from '../../engine/errors.ts';
export { AccessBatch } from '../../streams/access-batch.ts';
export type { PrefetchCounts, SiteMetrics } from '../cache-manager/site-metrics.ts';
export type { LearnedHintsOptions } from '../hints/hints-of-edges.ts';
export type { Access, IntakeCounts } from './access-intake.ts';
export { type AttachableCache, type AttachOptions, attach, type FetchValue, type KeyNames } from './attach.ts';
export type { CacheReader, CacheReaderCounts } from './cache-reader.ts';
export { createEngine } from './create-engine.ts';
export type { DecisionRecord, NamedDecision } from './decision-log.ts';
export type { Engine } from './engine.ts';
export type { FetchAnswer, MeasuredFetch } from './engine-answers.ts';
export { type EngineConfig, type EngineConfigInput, engineConfigSchema } from './engine-config.ts';
export type { HintsTaken } from './engine-feed.ts';
export type {
  DemandOutlook,
  ForecastRequest,
  ForecastSet,
  LastAccess,
  NamedDependency,
  NamedUse,
  SegmentForecast,
} from './engine-models.ts';
export type { SharedNames } from './engine-names.ts';
export type { EngineOptions, Restored } from './engine-options.ts';
export type { EnginePlan, PlanCounts } from './engine-plans.ts';
export type { EngineStats, LatencySaved, LiveStats } from './engine-stats.ts';
export type { PrefetchRequest } from './prefetch-desk.ts';
export { type Prefetched, type PrefetchingOptions, prefetching } from './prefetching.ts';
