/** The engine as a library: what `import ... from 'anteroom'` gives. */

export { AnteroomError, type ErrorCode } from '../../engine/errors.ts';
export type { Access, IntakeCounts } from './access-intake.ts';
export { createEngine } from './create-engine.ts';
export type { DecisionRecord } from './decision-log.ts';
export type { Engine, EngineOptions, ForecastSet, SegmentForecast } from './engine.ts';
export { type EngineConfig, type EngineConfigInput, engineConfigSchema } from './engine-config.ts';
export type { EngineStats, LiveStats, PrefetchStats } from './engine-stats.ts';
export type { PrefetchRequest } from './prefetch-desk.ts';
