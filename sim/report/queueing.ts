/** Whether waits are mostly queueing for a slot of the origin: then they say more of `--latency` than of the cache. */

import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import type { RunResult } from '../replay/result.ts';

/** What rounding may add to the mean of fetches that all take as long, and chance to that of log-normal ones. */
const ROUNDING_MAX = 1.0001;
const CHANCE_MAX = 1.2;

/** What tells of queueing: of a run without prefetching. */
export type Waited = Pick<RunResult, 'latency' | 'latencyMs' | 'accesses' | 'bytes' | 'originRequests' | 'originBytes'>;

/**
 * Whether the mean wait is longer than if every access waited for a whole fetch of its own, which only queueing can do.
 * A lesser queue is not seen. The bytes of accesses leave out what the log gives no size for, those of fetches do not.
 */
export function isQueueing(run: Waited): boolean {
  const spec = parseLatencySpec(run.latency);
  const { mean } = run.latencyMs;
  if (spec.kind !== 'time' || spec.concurrency === Infinity || mean === null || run.accesses === 0) return false;
  const bytes = Math.max((run.bytes ?? 0) / run.accesses, run.originBytes / Math.max(1, run.originRequests));
  const fetchMs = spec.firstByteMs * Math.exp(spec.sigma ** 2 / 2) + (1000 * bytes) / spec.bytesPerSecond;
  return mean > fetchMs * (spec.sigma === 0 ? ROUNDING_MAX : CHANCE_MAX);
}

/** One sentence on runs of one trace, empty where nothing queues without prefetching. */
export function queueingSentence(runs: readonly RunResult[]): string {
  const queued = runs.find((run) => run.prefetch === 'none' && isQueueing(run));
  return queued === undefined ? '' : tooSlow(queued);
}

/** What to say where `isQueueing`. */
export function tooSlow(queued: Waited): string {
  const spec = parseLatencySpec(queued.latency);
  const slots = spec.kind === 'time' ? spec.concurrency : 0;
  const wider = queued.latency.replace(/x\d+$/, `x${8 * slots}`);
  return `An origin of ${queued.latency} does not keep up with this log: more is asked for than its ${slots} fetches at once bring, so much of the wait is for a turn. Say what your origin does, as --latency ${wider}.`;
}
