/** The runs of one trace, some of them at once in threads beside this one. */

import { forbidsAnything } from '../../actors/cache-manager/prefetch-policy.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { availableBytes, coreCount } from '../../engine/host/process-usage.ts';
import { WorkerThread } from '../../engine/host/worker-thread.ts';
import type { PlannedRun } from './plan-runs.ts';
import type { ReplayConfig } from './replay-config.ts';
import { executeRun, nearLoopOf, orderThreadFor, type RunContext, type RunRecord } from './run.ts';
import {
  type FromRunThread,
  fromSentError,
  fromSentRecord,
  type RunThreadData,
  type ToRunThread,
} from './run-message.ts';
import type { Trace, TraceFacts } from './trace.ts';

/** Bytes that a run is taken to need beside what this process holds: for its thread, and for each segment (measured: some 2 KB). */
const THREAD_BYTES = 128 * 2 ** 20;
const SEGMENT_BYTES = 3072;
/** Part of the memory that is there that runs may take together. */
const MEMORY_SHARE = 0.5;
/** Accesses that a thread must have to serve to be worth its start, which takes half a second of CPU. */
const THREAD_ACCESSES = 400_000;
/** Heap of a thread at most; tables lie outside. */
const HEAP_MIB_MAX = 4096;

export interface ExecuteRunsOptions {
  readonly context: Omit<RunContext, 'onProgress' | 'onSite' | 'onDecision' | 'onPipeline' | 'orderThread'>;
  /** Runs at once at most; fewer where memory does not allow. */
  readonly jobs: number;
  /** Told of a run under way, how many accesses it has served, and how many all have. */
  readonly onProgress: (run: PlannedRun, served: number, servedInAll: number) => void;
  /** The built `run-thread.js`, where it does not stand beside this file. */
  readonly module?: URL;
}

/** As many runs at once as there are cores, but no thread that would hardly have begun. */
export function jobsWorthwhile(facts: TraceFacts, runCount: number, cores = coreCount()): number {
  return Math.max(1, Math.min(cores, 1 + Math.floor((facts.accessCount * (runCount - 1)) / THREAD_ACCESSES)));
}

/** How many runs memory allows at once, of `jobs` asked for; at least one. `available`: bytes. */
export function jobsWithin(jobs: number, facts: TraceFacts, available = availableBytes()): number {
  const each = THREAD_BYTES + facts.segmentCount * SEGMENT_BYTES;
  return Math.max(1, Math.min(jobs, Math.floor((MEMORY_SHARE * available) / each)));
}

/**
 * Makes the planned runs. What each leaves behind depends on the trace, the run and the settings alone, so neither the number of threads nor the order in
 * which runs end changes any record but its seconds and its memory. Memory of a process is that of all runs under way in it.
 *
 * This thread takes runs too, first those that no other can make. The first run that fails ends the others, and its error is thrown.
 */
export async function executeRuns(
  trace: Trace,
  planned: readonly PlannedRun[],
  options: ExecuteRunsOptions,
): Promise<ReadonlyMap<PlannedRun, RunRecord>> {
  const { context, onProgress } = options;
  const records = new Map<PlannedRun, RunRecord>();
  const waiting = new Set(planned);
  const served = new Map<PlannedRun, number>();
  let accesses = 0;
  const progress = (run: PlannedRun, done: number): void => {
    accesses += done - (served.get(run) ?? 0);
    served.set(run, done);
    onProgress(run, done, accesses);
  };

  const movable = planned.filter((run) => canLeave(trace, run, context.config));
  const threadCount = Math.min(jobsWithin(options.jobs, trace.facts) - 1, movable.length);
  const threads: WorkerThread[] = [];
  // Where every core has a run, none is left to learn order for one. What starts now is there when the first run asks for it.
  const orderThread =
    threadCount + 1 < coreCount()
      ? orderThreadFor(trace, planned, { ...context, orderThread: 'auto' }, nearLoopOf(context.config))
      : null;
  let failure: unknown = null;
  /** Works off what a thread may, until nothing is left or something failed. */
  const workThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = (): void => {
        const run = failure === null ? movable.find((one) => waiting.has(one)) : undefined;
        if (run === undefined) {
          resolve();
          return;
        }
        waiting.delete(run);
        const message: ToRunThread = { index: planned.indexOf(run), run };
        thread.post(message);
      };
      const { facts } = trace;
      const data: RunThreadData = { facts, rows: trace.shareRows(), context };
      const thread = new WorkerThread({
        module: options.module ?? new URL('./run-thread.js', import.meta.url),
        data,
        heapMiBMax: HEAP_MIB_MAX,
        onFailure: reject,
        onMessage: (received) => {
          const message = received as FromRunThread;
          const run = planned[message.index]!;
          if (message.kind === 'progress') {
            progress(run, message.accesses);
          } else if (message.kind === 'failed') {
            reject(fromSentError(message.error));
          } else {
            records.set(run, fromSentRecord(message.record, run, { facts, warmup: context.warmup }));
            next();
          }
        },
      });
      threads.push(thread);
      next();
    });
  const workHere = async (): Promise<void> => {
    while (failure === null) {
      const stays = planned.find((run) => waiting.has(run) && !movable.includes(run));
      const run = stays ?? planned.find((one) => waiting.has(one));
      if (run === undefined) return;
      waiting.delete(run);
      const record = await executeRun(trace, run, {
        ...context,
        orderThread: orderThread ?? 'never',
        onProgress: (done) => {
          if (failure !== null) throw new AnteroomError('actor-stopped', 'another run has failed');
          progress(run, done);
        },
      });
      records.set(run, record);
    }
  };

  let here: Promise<void> = Promise.resolve();
  try {
    const away = Array.from({ length: threadCount }, workThread);
    here = workHere();
    await Promise.all([here, ...away]);
  } catch (error) {
    failure = error ?? new Error('nothing was thrown');
  }
  await Promise.all(threads.map((thread) => thread.close()));
  // What is under way here ends at its next batch.
  await here.catch(() => {});
  await orderThread?.close();
  if (failure !== null) throw failure;
  return records;
}

/** Whether a thread that has the rows alone can make a run: one that needs the names of segments, or the future, cannot leave. */
function canLeave(trace: Trace, run: PlannedRun, config: ReplayConfig): boolean {
  const needsNames = trace.addresses !== null || config.hints.lists.length > 0 || forbidsAnything(config.policy);
  return run.eviction !== 'belady' && !needsNames;
}
