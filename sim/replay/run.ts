/** One run: a trace through the actors of one site, in virtual time. */

import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import type { GovernorState } from '../../actors/cache-manager/governor-state.ts';
import { type HoldoutCounts, holdoutOf } from '../../actors/cache-manager/holdout.ts';
import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import type { OnDecision, Site, WritePolicy } from '../../actors/cache-manager/site.ts';
import { LogDriver } from '../../actors/engine/log-driver.ts';
import { farLoopOf } from '../../actors/far-loop-config.ts';
import { type NearLoopConfig, nearLoopConfigSchema } from '../../actors/near-loop/near-loop-config.ts';
import type { LatencySpec } from '../../actors/origin/latency-spec.ts';
import { farExperts, Pipeline } from '../../actors/pipeline.ts';
import { assert } from '../../engine/assert.ts';
import { coreCount, elapsedMs, residentBytesMax } from '../../engine/host/process-usage.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ActorSystem } from '../../engine/system.ts';
import { manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Credits } from '../../streams/operators/credits.ts';
import { fromSource } from '../../streams/operators/from-source.ts';
import { FutureTable, LookAhead, type NextAccesses } from './future.ts';
import type { LentOrderThread } from './lent-order-thread.ts';
import { OrderThread } from './order-thread.ts';
import type { PlannedRun } from './plan-runs.ts';
import type { ReplayConfig } from './replay-config.ts';
import { RunAddressSpace } from './run-address-space.ts';
import { createRunSite } from './run-site.ts';
import type { Trace } from './trace.ts';

/** What all runs of a replay share. */
export interface RunContext {
  readonly latency: LatencySpec;
  readonly writes: WritePolicy;
  readonly warmup: number;
  readonly seed: number;
  readonly config: ReplayConfig;
  /** Told now and then how many accesses of this run were served. */
  readonly onProgress?: (accesses: number) => void;
  /**
   * Handed the site before its first access, to look on. A baseline then runs with a prefetcher that proposes nothing, slower and
   * with the same decisions, so that there is a call for each access.
   */
  readonly onSite?: (site: Site) => void;
  /** Told of each decision about a prefetch. */
  readonly onDecision?: OnDecision;
  /**
   * Whether order is learned in a thread of its own, which decides nothing but how long a run takes; `auto`, the default: where there is a core for it and work enough. A URL: that module, whatever
   * the work, and from as early on as may be. A thread: that one, whatever the work, if it has started by then; it goes on for other runs afterwards.
   */
  readonly orderThread?: 'auto' | 'never' | URL | OrderThread;
  /** Handed the actors before the first access, to look on. */
  readonly onPipeline?: (pipeline: Pipeline) => void;
}

/** What a run left behind. */
export interface RunRecord {
  readonly run: PlannedRun;
  readonly ledger: Ledger;
  readonly experts: readonly string[];
  readonly trafficBreaches: number;
  readonly trafficOvershoot: number;
  readonly missBreaches: number;
  readonly missExcess: number;
  /** Null without a prefetcher. */
  readonly governor: GovernorState | null;
  /** Null where nothing is withheld. */
  readonly holdout: HoldoutCounts | null;
  readonly seconds: number;
  /** Accesses whose order a thread of its own learned, from when it was ready on; it decides nothing. */
  readonly learnedAhead: number;
  /** Most memory that the process had held by the end of this run: what earlier runs of the same command took included. */
  readonly rssBytesMax: number;
}

/** What a run reads of a trace; `shareRows` where a thread of its own may read along. */
export type RunTrace = Pick<Trace, 'facts' | 'segments' | 'addresses' | 'batches' | 'nextAccesses'> &
  Partial<Pick<Trace, 'shareRows'>>;

/** Accesses that a run must have for a thread that learns order to be worth its start. */
const THREAD_ACCESSES = 1_000_000;

/** Replays `trace` through the planned run. The same trace, run, seed and settings give the same ledger, to the last bit. */
export async function executeRun(trace: RunTrace, run: PlannedRun, context: RunContext): Promise<RunRecord> {
  const own = orderThreadFor(trace, [run], context);
  const thread = context.orderThread instanceof OrderThread ? context.orderThread : own;
  const lent = thread === null || !canLearnAhead(trace, run, context) ? null : lend(thread, trace, context);
  try {
    if (context.orderThread instanceof URL) await own?.started;
    return await executeBeside(lent, trace, run, context);
  } finally {
    lent?.end();
    await own?.close();
  }
}

async function executeBeside(
  orderThread: LentOrderThread | null,
  trace: RunTrace,
  run: PlannedRun,
  context: RunContext,
): Promise<RunRecord> {
  const { config, writes } = context;
  const startedMs = elapsedMs();
  const isTimed = context.latency.kind === 'time';
  const next = run.eviction === 'belady' ? await trace.nextAccesses(writes) : null;
  const future = next === null ? null : new FutureTable(next.first);
  const lookAhead = run.prefetch.split(':')[0] === 'clairvoyant' ? new LookAhead(config.lookAheadMax, writes) : null;
  const addresses = trace.addresses === null ? null : new RunAddressSpace(trace.addresses, trace.segments);
  const faults: string[] = [];
  const system = new ActorSystem({
    clock: new VirtualClock(),
    random: new Xoshiro128(context.seed).fork('actors'),
    turns: manualTurns,
    onEvent: (event) => {
      if (event.kind === 'fault' || event.kind === 'stop-fault') faults.push(`${event.address}: ${event.detail}`);
    },
  });
  const isEngine = run.prefetch === 'anteroom';
  const holdout = isEngine ? holdoutOf(config.holdout, context.seed) : undefined;
  const pipeline = new Pipeline({
    system,
    name: 'site',
    prices: config.prices,
    farLoop: isEngine ? farLoopOf(config.farLoop, isTimed) : null,
    bytesPerUnit: run.cache.unit === 'bytes' ? 1 : null,
    missPenaltyMs: isTimed ? null : config.missPenaltyMs,
    makeSite: (onSettled) =>
      createRunSite({ run, trace, context, addresses, future, lookAhead, holdout, onSettled, orderTaker: orderThread }),
  });
  context.onSite?.(pipeline.site);
  context.onPipeline?.(pipeline);
  const driver = new LogDriver(pipeline, config.farLoop, isTimed);
  await serveAll(prepared(trace, future, next, lookAhead), (batch) => {
    driver.push(batch);
    context.onProgress?.(driver.position);
    // A node would restart the actor; a replay that did would report figures of half an engine.
    assert(faults.length === 0, `an actor failed: ${faults[0]}`);
  });
  const { site } = pipeline;
  const { accessCount } = trace.facts;
  assert(site.rowCount === accessCount, `${site.rowCount} of ${accessCount} rows were served`);
  site.finish();
  const report = await system.stop();
  assert(faults.length === 0, `an actor failed while it stopped: ${faults[0]}`);
  assert(report.leftCount === 0, `${report.leftCount} messages were left when the run ended`);
  return {
    run,
    ledger: site.ledger,
    experts: [...(site.prefetcher?.experts ?? []), ...(isEngine ? farExperts : [])],
    trafficBreaches: site.trafficBreaches,
    trafficOvershoot: site.trafficOvershoot,
    missBreaches: site.missBreaches,
    missExcess: site.missExcess,
    governor: site.governor,
    holdout: holdout?.counts ?? null,
    learnedAhead: orderThread?.rowCount ?? 0,
    seconds: (elapsedMs() - startedMs) / 1000,
    rssBytesMax: residentBytesMax(),
  };
}

/** A thread that learns order for those of the runs that can have one, to be closed by whoever asked; null where none would be of use, or the context says which it is to be. `practised`: settings that it is to be ready for, where there is time before the first of these runs. */
export function orderThreadFor(
  trace: RunTrace,
  runs: readonly PlannedRun[],
  context: Pick<RunContext, 'writes' | 'orderThread'>,
  practised: NearLoopConfig | null = null,
): OrderThread | null {
  const { orderThread } = context;
  if (orderThread === 'never' || orderThread instanceof OrderThread) return null;
  if (!runs.some((run) => canLearnAhead(trace, run, context))) return null;
  if (orderThread instanceof URL) return new OrderThread({ module: orderThread });
  if (trace.facts.accessCount < THREAD_ACCESSES || coreCount() < 2) return null;
  return new OrderThread({ practice: practised === null ? null : { rows: trace.shareRows!(), config: practised } });
}

/** Whether order can be learned from the rows alone: for the engine, where every row is a demand. */
function canLearnAhead(trace: RunTrace, run: PlannedRun, { writes }: Pick<RunContext, 'writes'>): boolean {
  return (
    run.prefetch === 'anteroom' && writes === 'access' && trace.addresses === null && trace.shareRows !== undefined
  );
}

/** The settings of the near loop, with their defaults. */
export function nearLoopOf(config: ReplayConfig): NearLoopConfig {
  return nearLoopConfigSchema.parse(config.nearLoop);
}

function lend(thread: OrderThread, trace: RunTrace, { config, orderThread }: RunContext): LentOrderThread {
  return thread.lend(trace.shareRows!(), nearLoopOf(config), orderThread instanceof URL);
}

/** Gives `serve` each batch in turn; what it throws ends the run. */
function serveAll(batches: AsyncIterable<AccessBatch>, serve: (batch: AccessBatch) => void): Promise<void> {
  // One batch is under way at a time: what prepares a batch may then set state that serving it relies on.
  const credits = new Credits(1);
  return new Promise((resolve, reject) => {
    // Work is done in the stream, not in the subscriber: what is thrown there ends the run as its error.
    fromSource(batches, credits).pipe(acknowledge(credits), tap(serve)).subscribe({ error: reject, complete: resolve });
  });
}

/** The trace's batches, each yielded when all that serving it needs to know of the future has been loaded. */
async function* prepared(
  trace: RunTrace,
  future: FutureTable | null,
  next: NextAccesses | null,
  lookAhead: LookAhead | null,
): AsyncGenerator<AccessBatch> {
  const waiting: AccessBatch[] = [];
  for await (const batch of trace.batches()) {
    waiting.push(batch);
    lookAhead?.push(batch);
    while (waiting.length > 0 && lookAhead?.needs(waiting[0]!) !== true) yield* ready(waiting.shift()!, future, next);
  }
  for (const batch of waiting) yield* ready(batch, future, next);
}

async function* ready(
  batch: AccessBatch,
  future: FutureTable | null,
  next: NextAccesses | null,
): AsyncGenerator<AccessBatch> {
  if (future !== null) future.load(batch.position, await next!.columnOf(batch));
  yield batch;
}

/** Gives the credit of a batch back when everything downstream has dealt with it. */
function acknowledge(credits: Credits): MonoTypeOperatorFunction<AccessBatch> {
  return (source) =>
    new Observable((subscriber) =>
      source.subscribe({
        next: (batch) => {
          subscriber.next(batch);
          credits.ack();
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    );
}
