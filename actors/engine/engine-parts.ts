/** What an engine consists of, made from its settings and wired: names, log, actors, models, and where requests go out. */

import type { Clock } from '../../engine/clock.ts';
import { parseConfig } from '../../engine/config.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { StateLoader } from '../../engine/state-fields.ts';
import { ActorSystem } from '../../engine/system.ts';
import { manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import type { Lift } from '../cache-manager/governor-state.ts';
import type { Origin } from '../cache-manager/origin.ts';
import { admissionOf, type PrefetchAdmission } from '../cache-manager/prefetch-admission.ts';
import { HintBook } from '../hints/hint-book.ts';
import type { ForecastsMessage } from '../messages.ts';
import type { AnteroomPrefetcher } from '../near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../origin/latency-spec.ts';
import { createOrigin } from '../origin/simulated-origin.ts';
import { farExperts, type Pipeline } from '../pipeline.ts';
import { AccessIntake } from './access-intake.ts';
import { buildPipeline } from './build-pipeline.ts';
import { DecisionLog } from './decision-log.ts';
import { type EngineConfig, engineConfigSchema, isEngineTimed } from './engine-config.ts';
import { EngineHealth } from './engine-health.ts';
import { EngineModels } from './engine-models.ts';
import { EngineNames } from './engine-names.ts';
import type { EngineOptions } from './engine-options.ts';
import { type EngineState, fromBytes } from './engine-state.ts';
import { Journal } from './journal.ts';
import { LiveOrigin } from './live-origin.ts';
import { LogDriver } from './log-driver.ts';
import { PrefetchDesk } from './prefetch-desk.ts';
import { SegmentVersions } from './segment-versions.ts';

export interface EngineParts {
  readonly config: EngineConfig;
  readonly clock: Pick<Clock, 'now'> | null;
  readonly health: EngineHealth;
  readonly names: EngineNames;
  readonly intake: AccessIntake;
  readonly versions: SegmentVersions;
  readonly journal: Journal;
  readonly driver: LogDriver;
  readonly decisions: DecisionLog;
  readonly hints: HintBook;
  readonly admission: PrefetchAdmission | undefined;
  readonly system: ActorSystem;
  readonly pipeline: Pipeline;
  readonly nearLoop: AnteroomPrefetcher;
  readonly liftNow: () => Lift | null;
  readonly models: EngineModels;
  /** Names of the experts of the near and the far loop, by their numbers. */
  readonly experts: readonly string[];
  /** Whoever fetches, modelled or outside. */
  readonly fetches: Origin;
  /** The same where it is outside, and the desk at which it is asked; null in modelled mode. */
  readonly origin: LiveOrigin | null;
  readonly desk: PrefetchDesk | null;
  /** What the engine is to go on from; null = it begins. */
  readonly saved: EngineState | null;
}

/** These are told while the actors work: they may only take note. */
export interface EngineListeners {
  /** A message of an actor elsewhere was dealt with. */
  readonly onArrival: () => void;
  readonly onForecasts: (message: ForecastsMessage) => void;
  readonly onLeave: (segment: number) => void;
}

/** @throws AnteroomError 'bad-config', 'bad-usage' for a latency that cannot be read, and as `fromBytes` for the snapshot. */
export function buildEngineParts(options: EngineOptions, listeners: EngineListeners): EngineParts {
  const config = parseConfig(engineConfigSchema, options.config ?? {}, 'engine');
  const clock = options.clock ?? null;
  const health = new EngineHealth();
  const names = new EngineNames(config, options.names);
  const intake = new AccessIntake({
    names,
    segmentsMax: config.segmentsMax,
    consumersMax: config.consumersMax,
    addresses: options.addresses ?? null,
    now: () => clock?.now() ?? Number.NaN,
  });
  const decisions = new DecisionLog(config.decisionsKeptMax);
  const liveOrigin =
    config.mode === 'live'
      ? new LiveOrigin({ ...config.live, proposalOf: (segment) => nearLoop.proposalOf(segment) })
      : null;
  const latency = parseLatencySpec(config.latency, 'engine: latency');
  const isTimed = isEngineTimed(config);
  const system = new ActorSystem({
    clock: new VirtualClock(),
    random: new Xoshiro128(config.seed).fork('actors'),
    turns: manualTurns,
    onEvent: (event) => {
      if (event.kind === 'fault' || event.kind === 'stop-fault') health.failed(`${event.address}: ${event.detail}`);
    },
  });
  const hints = new HintBook(config.hints);
  const nameOf = (segment: number): string => names.nameOf(segment);
  const admission = admissionOf({ ...config, isTimed, nameOf });
  const fetches = liveOrigin ?? createOrigin(latency, config.seed);
  let desk: PrefetchDesk | null = null;
  const { pipeline, nearLoop, liftNow } = buildPipeline({
    config,
    system,
    origin: fetches,
    isTimed,
    addresses: options.addresses ?? null,
    segmentCountHint: options.segmentCountHint ?? 1024,
    hints,
    admission,
    ...(options.elsewhere === undefined ? {} : { elsewhere: options.elsewhere }),
    ...listeners,
    onDecision: (code, segment, position, now, expert, probability, bytes) => {
      decisions.note(code, segment, expert, probability, bytes, position, now);
      desk?.note(code, segment, position, expert, probability);
    },
  });
  const experts = [...(pipeline.site.prefetcher?.experts ?? []), ...farExperts];
  if (liveOrigin !== null) {
    desk = new PrefetchDesk({
      origin: liveOrigin,
      waitingMax: config.live.concurrencyMax,
      nameOf,
      consumerNameOf: (consumer) => names.consumers.nameOf(consumer),
      expertOf: (expert) => experts[expert] ?? null,
    });
  }
  const saved = options.snapshot === undefined ? null : fromBytes(options.snapshot, options.isSnapshotVerified);
  // Before any hint gives an id to a name.
  if (saved !== null) names.persist(new StateLoader(saved.names));
  return {
    config,
    clock,
    health,
    names,
    intake,
    versions: new SegmentVersions(),
    journal: new Journal(config.journalAccessesMax, saved ?? undefined),
    driver: new LogDriver(pipeline, config.farLoop, isTimed, saved?.start),
    decisions,
    hints,
    admission,
    system,
    pipeline,
    nearLoop,
    liftNow,
    models: new EngineModels(pipeline, names),
    experts,
    fetches,
    origin: liveOrigin,
    desk,
    saved,
  };
}
