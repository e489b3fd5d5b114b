/** The engine of a node: made as a checkpoint has it, told what the log says, and made again where parts of it were lost. */

import { assert } from '../../engine/assert.ts';
import { backOffMs } from '../../engine/back-off.ts';
import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { LoadedCheckpoint } from '../../engine/state/checkpoint-store.ts';
import type { LogEntry } from '../../engine/state/log-store.ts';
import { loadComponent, saveComponent, sketchOf } from '../engine/component-state.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { Engine } from '../engine/engine.ts';
import { farActorNames } from '../placement/placement-config.ts';
import type { Elsewhere } from './connect-places.ts';
import { ConsumerQuotas } from './consumer-quotas.ts';
import type { NodeStores } from './data-folder.ts';
import { LogFollower } from './log-follower.ts';
import type { NodeState } from './node-checkpoints.ts';
import type { NodeConfig } from './node-config.ts';
import type { NodeLogger } from './node-logger.ts';
import type { NodeStatus } from './node-status.ts';
import type { NodeTroubles } from './node-troubles.ts';
import type { Dispatcher } from './sinks/dispatcher.ts';
import type { Tracing } from './tracing.ts';

export interface NodeEngineOptions {
  readonly config: NodeConfig;
  readonly mode: NodeStatus['mode'];
  readonly stores: NodeStores;
  readonly clock: Clock;
  /** Of the waits between two attempts to make it again. */
  readonly random: RandomSource;
  readonly logger: NodeLogger;
  readonly troubles: NodeTroubles;
  readonly dispatcher: Dispatcher;
  /** Null = off. */
  readonly tracing: Tracing | null;
  /** The far loop, where it lives in other processes. */
  readonly elsewhere: Elsewhere | null;
  /** The node stops, so nothing is tried again. */
  readonly isEnding: () => boolean;
}

/** In the place of a state that there is not. */
const NOTHING = new Uint8Array(0);
/** Accesses told in one call where requests come out. A constant: which of them a demand overtakes depends on it. */
const LIVE_ROWS = 16;

/** One engine at a time, with the quotas that decide what it is told. */
export class NodeEngine {
  readonly #options: NodeEngineOptions;
  #engine: Engine | null = null;
  #follower: LogFollower | null = null;
  #quotas: ConsumerQuotas | null = null;
  #saveQuotas: () => Uint8Array = () => NOTHING;

  constructor(options: NodeEngineOptions) {
    this.#options = options;
  }

  get isMade(): boolean {
    return this.#engine !== null;
  }

  get engine(): Engine {
    assert(this.#engine !== null, 'the node has recovered');
    return this.#engine;
  }

  get follower(): LogFollower {
    assert(this.#follower !== null, 'the node has recovered');
    return this.#follower;
  }

  /** Null = nothing was told yet. */
  get quotas(): ConsumerQuotas | null {
    return this.#quotas;
  }

  get toldCounts(): LogFollower['counts'] {
    const limited = { rate: 0, segments: 0 };
    const none = { accesses: 0, answers: 0, segmentsRefused: 0, consumersRefused: 0, answersIgnored: 0, limited };
    return this.#follower?.counts ?? none;
  }

  /**
   * Makes the engine as the checkpoint has it and tells it what follows in the log; returns how much that was. Where parts are lost
   * meanwhile it begins anew.
   * @throws AnteroomError 'corrupt' where that would leave something out, 'unsupported' for what this version or these settings cannot load.
   */
  async recover(loaded: LoadedCheckpoint | null, passedOver: readonly string[]): Promise<number> {
    const { elsewhere, isEnding, troubles, config, random, clock, dispatcher } = this.#options;
    const from = this.#replayFrom(loaded, passedOver);
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#open(loaded, from);
        return await this.replay(from);
      } catch (error) {
        const isLost = error instanceof AnteroomError && error.code === 'actor-stopped' && error.isRetryable;
        if (!isLost || elsewhere === null || isEnding()) throw error;
        troubles.set('place', `${error.message} (try ${attempt + 1} to make the engine again)`);
        const waitMs = backOffMs(attempt, config.logProbe, random);
        await new Promise<void>((settle) => clock.setTimeout(settle, waitMs));
        if (isEnding()) throw error;
        dispatcher.pause();
      }
    }
  }

  /** Tells the engine the log from `from` to its end as it is then; returns how many units. @throws AnteroomError 'unavailable' where the node stops. */
  async replay(from: number): Promise<number> {
    let replayed = 0;
    const { isEnding } = this.#options;
    for await (const entry of this.#options.stores.log.read(from)) {
      if (entry.position < from)
        throw new AnteroomError(
          'corrupt',
          `no entry of the log begins at position ${from}, where the checkpoint stands`,
        );
      if (isEnding()) throw new AnteroomError('unavailable', 'the node was stopped while the log was replayed');
      await this.follower.apply(entry);
      replayed += entry.units;
    }
    return replayed;
  }

  async apply(entry: LogEntry): Promise<void> {
    const span = this.#options.tracing?.tell(entry) ?? null;
    try {
      await this.follower.apply(entry);
      span?.end();
    } catch (error) {
      span?.end(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** All that it is, as of `logPosition`, up to which it has been told: what is here is taken before this returns. */
  save(logPosition: number): Promise<NodeState> {
    const state = this.engine.snapshot({ isFarApart: true });
    const quotas = this.#saveQuotas();
    const { watermarkMs } = this.follower;
    const partsWith = (far: ReadonlyMap<string, Uint8Array>): NodeState => ({
      logPosition,
      watermarkMs,
      parts: [state, ...farActorNames.map((name) => far.get(name) ?? NOTHING), quotas],
    });
    // Parts elsewhere are told to save before anything else is told, so all states are of one position.
    const { elsewhere } = this.#options;
    if (elsewhere !== null) return elsewhere.farLoop.save(logPosition).then(partsWith);
    return Promise.resolve(partsWith(this.engine.farStates()));
  }

  async #open(loaded: LoadedCheckpoint | null, from: number): Promise<void> {
    const { config, mode, logger, tracing, dispatcher, elsewhere } = this.#options;
    const far = loaded?.parts.slice(1, 1 + farActorNames.length) ?? [];
    const farStates = new Map(farActorNames.flatMap((name, i) => (far[i]?.length ? [[name, far[i]] as const] : [])));
    if (elsewhere !== null && loaded !== null && farStates.size === 0)
      throw new AnteroomError(
        'unsupported',
        'the checkpoint was taken with the far loop off; start once without places',
      );
    const links = await elsewhere?.farLoop.begin(farStates);
    const engine = createEngine({
      config: { ...config.engine, mode: engineModeOf(mode) },
      // The store has compared their SHA-256.
      ...(loaded === null ? {} : { snapshot: loaded.parts[0]!, farStates, isSnapshotVerified: true }),
      ...(links === undefined ? {} : { elsewhere: links }),
    });
    if (engine.restored === 'relearned')
      logger.warn(
        { checkpoint: loaded?.header.id },
        'the checkpoint is of other settings or models: only the latest accesses before it were learned again',
      );
    this.#engine = engine;
    engine.prefetches$.subscribe((request) => {
      tracing?.decide(request);
      dispatcher.offer(request);
    });
    engine.cancellations$.subscribe((id) => dispatcher.cancel(id));
    const quotas = this.#openQuotas(engine, loaded?.parts[1 + farActorNames.length]);
    const isLive = mode === 'prefetching';
    this.#follower = new LogFollower({
      engine,
      position: from,
      quotas,
      // Settings that may change are looked up at each use.
      get rowsPerTurn() {
        return config.ingest.rowsPerTurn;
      },
      get rowsPerCall() {
        return isLive ? LIVE_ROWS : config.ingest.rowsPerTurn;
      },
      openRequest: (segment) => dispatcher.take(segment),
      ...(elsewhere === null ? {} : { settle: () => elsewhere.farLoop.settle(() => engine.isSettled) }),
    });
  }

  #openQuotas(engine: Engine, saved: Uint8Array | undefined): ConsumerQuotas {
    const { config, logger } = this.#options;
    const quotas = new ConsumerQuotas(config.quotas, config.engine.segmentsMax, (consumer) =>
      engine.consumers.nameOf(consumer),
    );
    const sketch = sketchOf(quotas);
    this.#saveQuotas = () => saveComponent(quotas, sketch);
    if (saved !== undefined && !loadComponent(quotas, saved, true))
      logger.warn({}, 'the quotas of consumers begin anew: they were saved by another version');
    this.#quotas = quotas;
    return quotas;
  }

  /** Where the replay begins. @throws AnteroomError 'corrupt' where that would leave something out. */
  #replayFrom(loaded: LoadedCheckpoint | null, passedOver: readonly string[]): number {
    const { stores, config, logger } = this.#options;
    const { start, end } = stores.log.facts;
    if (loaded !== null) {
      const { logPosition, id } = loaded.header;
      if (logPosition > end)
        throw new AnteroomError(
          'corrupt',
          `the log ends at ${end}, before checkpoint ${id} at ${logPosition}: entries are missing`,
        );
      if (logPosition >= start) return logPosition;
    } else if (start === 0) {
      if (passedOver.length > 0)
        logger.warn({ end }, 'no checkpoint can be used, and the log has everything: all of it is learned again');
      return 0;
    }
    const why =
      passedOver.length === 0 ? 'no checkpoint is there' : `no checkpoint can be used (${passedOver.join('; ')})`;
    const what = loaded === null ? why : `the checkpoint stands at ${loaded.header.logPosition}`;
    const message = `the log begins at ${start} and ${what}: what lies between is lost`;
    const before = loaded === null && passedOver.length > 0 ? 'start the version that wrote it, or ' : '';
    if (!config.checkpoints.acceptLoss)
      throw new AnteroomError(
        'corrupt',
        `${message}; ${before}start once with checkpoints.acceptLoss: true to learn again from what the log has`,
        { context: { start } },
      );
    logger.error({ start }, message);
    return start;
  }
}

/** In `prefetching` requests go out and are answered; in `observing` fetches take what the latency model says. */
export function engineModeOf(mode: NodeStatus['mode']): 'live' | 'modelled' {
  return mode === 'prefetching' ? 'live' : 'modelled';
}
