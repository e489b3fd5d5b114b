/** One run: a trace through one site, in virtual time. */

import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import { Site, type WritePolicy } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import type { AddressSpace, Prefetcher, SiteView } from '../../actors/prefetcher.ts';
import { elapsedMs, residentBytesMax } from '../../engine/host/process-usage.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { createBaseline } from '../baselines/index.ts';
import type { LatencySpec } from '../origin/latency-spec.ts';
import { createOrigin } from '../origin/simulated-origin.ts';
import { FutureTable, LookAhead } from './future.ts';
import type { PlannedRun } from './plan-runs.ts';
import type { ReplayConfig } from './replay-config.ts';
import { RunAddressSpace } from './run-address-space.ts';
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
}

/** What a run left behind. */
export interface RunRecord {
  readonly run: PlannedRun;
  readonly ledger: Ledger;
  readonly experts: readonly string[];
  readonly trafficBreaches: number;
  readonly seconds: number;
  readonly rssBytesMax: number;
}

/** Slices of a run that the report draws over time. */
const SLICES = 60;

/** Replays `trace` through the planned run. The same trace, run, seed and settings give the same ledger, to the last bit. */
export async function executeRun(trace: Trace, run: PlannedRun, context: RunContext): Promise<RunRecord> {
  const { config, writes } = context;
  const startedMs = elapsedMs();
  const isClairvoyant = run.prefetch.split(':')[0] === 'clairvoyant';
  const next = run.eviction === 'belady' ? await trace.nextAccesses(writes) : null;
  const future = next === null ? null : new FutureTable(next.first);
  const lookAhead = isClairvoyant ? new LookAhead(config.lookAheadMax, writes) : null;
  const segmentCountHint = trace.facts.segmentCount;
  const addresses = trace.addresses === null ? null : new RunAddressSpace(trace.addresses, trace.segments);
  const makeEviction = (name: typeof run.eviction, capacity: number, onEvict?: (segment: number) => void) =>
    createEviction(name, {
      capacity,
      segmentCountHint,
      ...(onEvict === undefined ? {} : { onEvict }),
      ...(future === null ? {} : { future }),
    });
  const beforeAccess = observer(future, lookAhead);
  const site = new Site({
    capacity: run.cache.size,
    unit: run.cache.unit,
    makeEviction: (capacity, onEvict) => makeEviction(run.eviction, capacity, onEvict),
    ...(run.eviction === 'lru' ? {} : { makeReference: (capacity: number) => makeEviction('lru', capacity) }),
    makePrefetcher: run.prefetch === 'none' ? null : (view) => makePrefetcher(run, view, addresses, lookAhead, config),
    origin: createOrigin(context.latency, context.seed),
    modelTime: context.latency.kind === 'time' ? 'ms' : 'requests',
    writes,
    budget: new TrafficBudget(run.trafficMax ?? Number.POSITIVE_INFINITY, config.trafficAllowance),
    stagingShareMax: config.stagingShareMax,
    queueLengthMax: config.queueLengthMax,
    warmup: context.warmup,
    sliceLength: Math.max(1, Math.ceil(trace.facts.accessCount / SLICES)),
    segmentCountHint,
    ...(beforeAccess === null ? {} : { future: { beforeAccess } }),
  });
  const serve = async (batch: AccessBatch): Promise<void> => {
    if (future !== null) future.load(batch.position, await next!.columnOf(batch));
    site.serve(batch);
    context.onProgress?.(batch.position + batch.length);
  };
  if (lookAhead === null) {
    for await (const batch of trace.batches()) await serve(batch);
  } else {
    const waiting: AccessBatch[] = [];
    for await (const batch of trace.batches()) {
      lookAhead.push(batch);
      waiting.push(batch);
      while (waiting.length > 0 && !lookAhead.needs(waiting[0]!)) await serve(waiting.shift()!);
    }
    for (const batch of waiting) await serve(batch);
  }
  site.finish();
  return {
    run,
    ledger: site.ledger,
    experts: site.prefetcher?.experts ?? [],
    trafficBreaches: site.trafficBreaches,
    seconds: (elapsedMs() - startedMs) / 1000,
    rssBytesMax: residentBytesMax(),
  };
}

function makePrefetcher(
  run: PlannedRun,
  view: SiteView,
  addresses: AddressSpace | null,
  lookAhead: LookAhead | null,
  config: ReplayConfig,
): Prefetcher {
  if (run.prefetch === 'anteroom') return new AnteroomPrefetcher(view, config.nearLoop);
  return createBaseline(run.prefetch, {
    addresses,
    ...(lookAhead === null
      ? {}
      : { clairvoyance: { upcoming: lookAhead, cache: { capacity: run.cache.size, unit: run.cache.unit } } }),
  });
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
