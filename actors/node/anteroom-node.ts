/** The standalone node: what is posted goes into the log, from the log into the engine, and what the engine asks for to the sinks. */

import { assert } from '../../engine/assert.ts';
import type { Clock } from '../../engine/clock.ts';
import type { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { CheckpointHeader } from '../../engine/state/checkpoint-store.ts';
import type { LogOrigin, LogReceipt } from '../../engine/state/log-store.ts';
import { VERSION } from '../../engine/version.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelAnswers } from '../engine/model-answers.ts';
import type { Elsewhere } from './connect-places.ts';
import type { NodeStores } from './data-folder.ts';
import { FairTurns } from './fair-turns.ts';
import { Intake } from './intake.ts';
import type { LogFollower } from './log-follower.ts';
import { answerFrame, type PrefetchAnswer } from './log-frame.ts';
import { LogProbe } from './log-probe.ts';
import { NodeCheckpoints } from './node-checkpoints.ts';
import type { NodeConfig } from './node-config.ts';
import { NodeEngine } from './node-engine.ts';
import { NodeInlets, type RedrivenMessage } from './node-inlets.ts';
import { NodeLifeCycle } from './node-life-cycle.ts';
import type { NodeLogger } from './node-logger.ts';
import type { NodeStatus, Recovery } from './node-status.ts';
import { NodeTroubles } from './node-troubles.ts';
import { type ParsedPost, type PostOptions, parsePost } from './parse-post.ts';
import { Dispatcher } from './sinks/dispatcher.ts';
import { makeSink } from './sinks/make-sink.ts';
import type { Sink } from './sinks/sink.ts';
import type { SourceLetter } from './sources/source-letters.ts';
import type { PostSpan, Tracing } from './tracing.ts';

export { engineModeOf } from './node-engine.ts';
export type { NodeLogger } from './node-logger.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly stores: NodeStores;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: NodeLogger;
  /** Besides those of the configuration. */
  readonly sinks?: readonly Sink[];
  /** Null or absent = nothing is traced. */
  readonly tracing?: Tracing | null;
  /** The far loop, where `places` has it in other processes. */
  readonly elsewhere?: Elsewhere | null;
}

/** Consumers beyond their quotas that `status` names. */
const LIMITED_NAMED = 10;
const NOTHING_TAKEN = { appended: 0, duplicates: 0, refused: 0, throttled: 0, failed: 0 };

/** What a post came to. */
export interface PostEnd extends Omit<ParsedPost, 'frames'> {
  readonly receipt: LogReceipt | null;
}

/**
 * The engine is a function of the log: accesses and answers reach it only from there, in order, so a restart that loads a checkpoint and
 * replays the rest leaves it as it was. An access is acknowledged when it is in the log; requests that were open at a crash are sent
 * again under the same key.
 */
export class AnteroomNode {
  readonly config: NodeConfig;
  readonly lifeCycle: NodeLifeCycle;
  /** Null = off. */
  readonly tracing: Tracing | null;
  readonly dispatcher: Dispatcher;
  readonly #stores: NodeStores;
  readonly #clock: Clock;
  readonly #logger: NodeLogger;
  readonly #logProbe: LogProbe;
  readonly #mode: NodeStatus['mode'];
  readonly #startedMs: number;
  readonly #elsewhere: Elsewhere | null;
  readonly #parsing: FairTurns;
  readonly #troubles: NodeTroubles;
  readonly #inlets: NodeInlets;
  readonly #checkpoints: NodeCheckpoints;
  readonly #engine: NodeEngine;
  #isRebuilding = false;
  #intake: Intake | null = null;
  #recovery: Recovery | null = null;
  #draining: Promise<void> | null = null;

  constructor(options: NodeOptions) {
    const { config, stores, clock, random, logger } = options;
    this.config = config;
    this.#stores = stores;
    this.#clock = clock;
    this.#logger = logger;
    this.tracing = options.tracing ?? null;
    this.#startedMs = clock.now();
    this.#elsewhere = options.elsewhere ?? null;
    this.#parsing = new FairTurns(config.ingest.parsesMax);
    this.#elsewhere?.listen(
      () => this.#placesChanged(),
      (why) => this.#placeLost(why),
    );
    this.lifeCycle = new NodeLifeCycle(clock, (state) => this.#logger.info({ state }, 'state'));
    const troubles = new NodeTroubles(this.lifeCycle, logger);
    this.#troubles = troubles;
    const sinks = [
      ...config.sinks.map((sink) => makeSink(sink, config.delivery.timeoutMs, clock)),
      ...(options.sinks ?? []),
    ];
    this.#mode = sinks.length > 0 ? 'prefetching' : 'observing';
    this.dispatcher = new Dispatcher({
      node: config.name,
      sinks,
      letters: stores.records,
      config: config.delivery,
      concurrencyMax: config.engine.live.concurrencyMax,
      clock,
      random: random.fork('delivery'),
      onAnswer: (answer) => void this.#answered(answer),
      onSink: (name, why) => troubles.sink(name, why),
      tracing: this.tracing,
    });
    this.#logProbe = new LogProbe({
      clock,
      random: random.fork('log probe'),
      backOff: config.logProbe,
      probe: () => void this.intake.probe(),
    });
    const beside = { config, stores, clock, logger, troubles };
    this.#inlets = new NodeInlets({
      ...beside,
      random,
      intake: () => this.intake,
      isEnding: () => this.#draining !== null,
    });
    this.#checkpoints = new NodeCheckpoints(beside);
    this.#engine = new NodeEngine({
      ...beside,
      mode: this.#mode,
      random: random.fork('rebuild'),
      dispatcher: this.dispatcher,
      tracing: this.tracing,
      elsewhere: this.#elsewhere,
      isEnding: () => this.#draining !== null,
    });
  }

  get engine(): Engine {
    return this.#engine.engine;
  }

  /** Questions about what was learned, wherever that is. */
  get models(): ModelAnswers {
    return this.#elsewhere === null ? this.engine.modelAnswers : this.engine.asking(this.#elsewhere.ask);
  }

  get intake(): Intake {
    assert(this.#intake !== null, 'the node has recovered');
    return this.#intake;
  }

  get follower(): LogFollower {
    return this.#engine.follower;
  }

  /** Whether what was in the log has been told. */
  get isRecovered(): boolean {
    return this.#intake !== null;
  }

  get hasEngine(): boolean {
    return this.#engine.isMade;
  }

  /**
   * Recovers and goes to work.
   * @throws AnteroomError 'corrupt' where what is kept cannot be what was kept; nothing is begun anew over it.
   */
  async start(): Promise<void> {
    this.lifeCycle.opened();
    const startedMs = this.#clock.now();
    this.#placesChanged();
    const { loaded, damaged } = await this.#checkpoints.load();
    const replayed = await this.#engine.recover(loaded);
    this.#recovery = {
      from: loaded?.header.logPosition ?? null,
      replayed,
      ms: this.#clock.now() - startedMs,
      restored: this.engine.restored,
      damaged,
    };
    const { log } = this.#stores;
    this.#logger.info({ ...this.#recovery, end: log.facts.end }, 'recovered');
    const { config } = this;
    this.#intake = new Intake({
      log,
      apply: (entry) => this.#engine.apply(entry),
      get queueBytesMax() {
        return config.ingest.queueBytesMax;
      },
      get postsMax() {
        return config.ingest.postsMax;
      },
      onLog: (error) => this.#logChanged(error),
      onEngine: (error) => this.#engineFailed(error),
      now: () => this.#clock.now(),
    });
    this.#placesChanged();
    this.lifeCycle.recovered();
    this.dispatcher.begin();
    this.#inlets.start();
    this.#checkpoints.begin(() => this.intake.between(() => this.checkpoint()));
  }

  /**
   * Parses and keeps a post; resolves when it is durable.
   * @throws AnteroomError for what cannot be read, and as the log does.
   */
  async post(
    body: Uint8Array,
    options: Partial<PostOptions>,
    origin: LogOrigin | null,
    span: PostSpan | null = null,
  ): Promise<PostEnd> {
    const { frames, ...facts } = await this.#parsing.take(() => parsePost(body, this.#inlets.postOptions(options)));
    if (frames.length === 0) return { ...facts, receipt: null };
    const part = span === null ? null : (this.tracing?.append(span.context, frames) ?? null);
    try {
      const receipt = await this.intake.append({ origin, frames });
      if (receipt.kind === 'appended') part?.kept(receipt.from, receipt.to);
      part?.end();
      return { ...facts, receipt };
    } catch (error) {
      part?.end(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Saves the engine and trims the log, to be called between two entries (`intake.between`); null where there is nothing new. @throws AnteroomError 'disk-full' or 'io'. */
  checkpoint(): Promise<CheckpointHeader | null> {
    return this.#checkpoints.take(() => {
      const { toldUntil } = this.intake;
      const isNew = toldUntil !== (this.#checkpoints.newest?.logPosition ?? 0) && !this.#troubles.has('engine');
      return isNew ? this.#engine.save(toldUntil) : null;
    });
  }

  /** Those that are kept, the newest first; with `isVerifying` each says what is wrong with it (null = nothing). */
  checkpoints(isVerifying: boolean): ReturnType<NodeCheckpoints['list']> {
    return this.#checkpoints.list(isVerifying);
  }

  /** Stops taking accesses, lets what is under way end, saves, and closes. A second call gives the same promise. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Messages of sources that could not be read. */
  badMessages(limit: number): readonly SourceLetter[] {
    return this.#inlets.badMessages(limit);
  }

  /** Tries messages that a source could not read once more, all or those named, at most `limit` of them. */
  async redriveMessages(keys: readonly string[] | null, limit: number): Promise<readonly RedrivenMessage[]> {
    return this.#inlets.redriveMessages(keys, limit);
  }

  status(): NodeStatus {
    const { lifeCycle } = this;
    const checkpoint = this.#checkpoints.newest;
    const now = this.#clock.now();
    return {
      name: this.config.name,
      version: VERSION,
      state: lifeCycle.state,
      isReady: lifeCycle.isReady,
      troubles: lifeCycle.troubles as Readonly<Record<string, string>>,
      mode: this.#mode,
      upSeconds: (now - this.#startedMs) / 1000,
      recovery: this.#recovery,
      log: this.#stores.log.facts,
      toldUntil: this.#intake?.toldUntil ?? 0,
      queueBytes: this.#intake?.pendingBytes ?? 0,
      intake: this.#intake?.counts ?? NOTHING_TAKEN,
      told: this.#engine.toldCounts,
      checkpoint,
      checkpointAgeSeconds: checkpoint === null ? null : Math.max(0, now - checkpoint.createdAtMs) / 1000,
      delivery: this.dispatcher.counts,
      tail: this.#inlets.tailCounts,
      sources: this.#inlets.statuses,
      badMessages: this.#inlets.badMessageCount,
      limited: this.#engine.quotas?.most(LIMITED_NAMED) ?? [],
    };
  }

  async #drain(): Promise<void> {
    if (this.lifeCycle.state === 'stopped') return;
    this.lifeCycle.drain();
    this.#checkpoints.end();
    this.#logProbe.end();
    if (this.#intake !== null) {
      await this.#inlets.stop();
      await this.dispatcher.end();
      await this.#intake.idle();
      await this.#checkpoints.settled();
      await this.checkpoint().catch(() => {});
      const { position, digest } = await this.engine.stop();
      // What was staged has ended with it: the digest that a replay of the log gives.
      this.#logger.info({ position, digest }, 'the engine has ended');
    }
    await this.#elsewhere?.close();
    await this.#stores.close();
    this.lifeCycle.stopped();
  }

  async #answered(answer: PrefetchAnswer): Promise<void> {
    try {
      await this.intake.append({ origin: null, frames: [answerFrame([answer])] });
    } catch (error) {
      // The log says so by itself; the engine gives the request up when its time is over.
      this.#logger.warn({ error: String(error) }, 'an answer could not be kept');
    }
  }

  #logChanged(error: AnteroomError | null): void {
    if (error === null) {
      this.#logProbe.succeeded();
      this.lifeCycle.relief('log');
      return;
    }
    this.#troubles.set('log', error.message);
    this.#logProbe.failed();
    // A log that is full is trimmed by a checkpoint.
    if (error.code === 'disk-full') void this.intake.between(() => this.checkpoint()).catch(() => {});
  }

  #engineFailed(error: unknown): void {
    // Lost parts come back, and the engine with them; anything else is a fault that a restart has to mend.
    if (this.#isRebuilding) return;
    this.#troubles.set('engine', error instanceof Error ? error.message : String(error));
  }

  /** A part is away: messages to it wait, and so does what must be decided with it. */
  #placesChanged(): void {
    const away = this.#elsewhere?.away() ?? [];
    if (away.length > 0) this.#troubles.set('place', `away: ${away.join(', ')}`);
    else if (!this.#isRebuilding && this.hasEngine) this.lifeCycle.relief('place');
  }

  /** A part has lost its actors: the engine is made again from the checkpoint and the log, and goes on where that ends. */
  #placeLost(why: string): void {
    this.#troubles.set('place', why);
    if (this.#intake === null || this.#isRebuilding || this.#draining !== null) return;
    this.#isRebuilding = true;
    this.#intake.suspend();
    void this.#rebuild().catch((error: unknown) => {
      this.#isRebuilding = false;
      this.#engineFailed(error);
    });
  }

  async #rebuild(): Promise<void> {
    this.dispatcher.pause();
    await this.#checkpoints.settled();
    const { loaded } = await this.#checkpoints.load();
    await this.#engine.recover(loaded);
    // What was appended while the end was read is told before anything else can be.
    while (this.#stores.log.facts.end > this.follower.position) await this.#engine.replay(this.follower.position);
    this.intake.revive(this.#stores.log.facts.end);
    this.#isRebuilding = false;
    this.#logger.info({ position: this.#stores.log.facts.end }, 'the engine was made again');
    this.#placesChanged();
    this.dispatcher.begin();
  }
}
