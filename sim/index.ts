/** The public surface of the simulator: replay, workloads, report. */

export type { PrefetchCounts } from '../actors/cache-manager/site-metrics.ts';
export { type LatencySpec, parseLatencySpec } from '../actors/origin/latency-spec.ts';
export { createOrigin } from '../actors/origin/simulated-origin.ts';
export { baselineNames, createBaseline } from './baselines/index.ts';
export type { Interval } from './prove/block-bootstrap.ts';
export type { CacheProof, Effect, ProofResult, Recommendation, TraceProof } from './prove/proof.ts';
export { proofPage } from './prove/proof-page.ts';
export { proofText } from './prove/proof-table.ts';
export { type ProveOptions, type ProveOutcome, prove } from './prove/prove.ts';
export { type ReplayOptions, type ReplayOutcome, type ReplayProgress, replay } from './replay/replay.ts';
export { type ReplayConfig, replayConfigSchema } from './replay/replay-config.ts';
export type {
  ReplayResult,
  Report,
  RunDetails,
  RunResult,
  TraceInsight,
} from './replay/result.ts';
export { reportPage } from './report/page.ts';
export { verdicts } from './report/summary.ts';
export { replayTable } from './report/table.ts';
export { chooseWorkload, describeParameters, generateBatches, workloads } from './workloads/index.ts';
