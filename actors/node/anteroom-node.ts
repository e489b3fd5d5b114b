/** The standalone node: what is posted goes into the log, from the log into the engine, and what the engine asks for to the sinks. */

import { assert } from '../../engine/assert.ts';
import type { Clock, TimerId } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { CheckpointHeader } from '../../engine/state/checkpoint-store.ts';
import type { LogOrigin, LogReceipt } from '../../engine/state/log-store.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelAnswers } from '../engine/model-answers.ts';
import type { Elsewhere } from './connect-places.ts';
import type { NodeStores } from './data-folder.ts';
import { FairTurns } from './fair-turns.ts';
import { Intake } from './intake.ts';
import type { LogFollower } from './log-follower.ts';
import type { NodeCheckpoints } from './node-checkpoints.ts';
import type { NodeConfig } from './node-config.ts';
import type { RedrivenMessage } from './node-inlets.ts';
import { NodeLifeCycle } from './node-life-cycle.ts';
import type { NodeLogger } from './node-logger.ts';
import { type NodeStatus, nodeStatus, type Recovery } from './node-status.ts';
import { type ParsedPost, type PostOptions, parsePost } from './parse-post.ts';
import type { Dispatcher } from './sinks/dispatcher.ts';
import type { SourceLetter } from './sources/source-letters.ts';
import type { PostSpan, Tracing } from './tracing.ts';
import { type NodeOptions, type NodeUnits, wireNode } from './wire-node.ts';

export { engineModeOf } from './node-engine.ts';
export type { NodeLogger } from './node-logger.ts';
export type { NodeOptions } from './wire-node.ts';

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
  readonly #startedMs: number;
  readonly #elsewhere: Elsewhere | null;
  readonly #parsing: FairTurns;
  readonly #units: NodeUnits;
  #intake: Intake | null = null;
  #recovery: Recovery | null = null;
  #starting: Promise<void> | null = null;
  #hasGivenUpPosts = false;
  #draining: Promise<void> | null = null;

  constructor(options: NodeOptions) {
    const { config, stores, clock, logger } = options;
    this.config = config;
    this.#stores = stores;
    this.#clock = clock;
    this.#logger = logger;
    this.tracing = options.tracing ?? null;
    this.#startedMs = clock.now();
    this.#elsewhere = options.elsewhere ?? null;
    this.#parsing = new FairTurns(() => config.ingest.parsesMax);
    this.lifeCycle = new NodeLifeCycle(clock, (state) => logger.info({ state }, 'state'));
    this.#units = wireNode(options, this.lifeCycle, {
      intake: () => this.#intake,
      isEnding: () => this.#draining !== null,
      checkpoint: () => this.checkpoint(),
    });
    this.dispatcher = this.#units.dispatcher;
  }

  get engine(): Engine {
    return this.#units.engine.engine;
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
    return this.#units.engine.follower;
  }

  /** Whether what was in the log has been told. */
  get isRecovered(): boolean {
    return this.#intake !== null;
  }

  get hasEngine(): boolean {
    return this.#units.engine.isMade;
  }

  /**
   * Recovers and goes to work; to be called once.
   * @throws AnteroomError 'corrupt' where what is kept cannot be what was kept; nothing is begun anew over it; 'unavailable' where it was
   * drained meanwhile.
   */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { engine, parts, checkpoints, inlets, logWatch } = this.#units;
    this.lifeCycle.opened();
    const startedMs = this.#clock.now();
    parts.look();
    const { loaded, damaged } = await checkpoints.load();
    const replayed = await engine.recover(loaded, damaged);
    if (this.#draining !== null) throw new AnteroomError('unavailable', 'the node was stopped while it recovered');
    this.#recovery = {
      from: loaded?.header.logPosition ?? null,
      replayed,
      ms: this.#clock.now() - startedMs,
      restored: loaded === null && damaged.length > 0 ? 'relearned' : this.engine.restored,
      damaged,
    };
    const { log } = this.#stores;
    this.#logger.info({ ...this.#recovery, end: log.facts.end }, 'recovered');
    const { config } = this;
    this.#intake = new Intake({
      log,
      apply: (entry) => engine.apply(entry),
      get queueBytesMax() {
        return config.ingest.queueBytesMax;
      },
      get postsMax() {
        return config.ingest.postsMax;
      },
      onLog: (error) => logWatch.heard(error),
      onEngine: (error) => parts.engineFailed(error),
      now: () => this.#clock.now(),
    });
    parts.look();
    this.lifeCycle.recovered();
    this.dispatcher.begin();
    inlets.start();
    checkpoints.begin(() => this.intake.between(() => this.checkpoint()));
  }

  /**
   * Parses and keeps a post; resolves when it is durable.
   * @throws AnteroomError for what cannot be read, and as the log does; 'unavailable' where the drain has not waited for it.
   */
  async post(
    body: Uint8Array,
    options: Partial<PostOptions>,
    origin: LogOrigin | null,
    span: PostSpan | null = null,
  ): Promise<PostEnd> {
    const { frames, ...facts } = await this.#parsing.take(() =>
      parsePost(body, this.#units.inlets.postOptions(options)),
    );
    if (frames.length === 0) return { ...facts, receipt: null };
    // Read too late for the last checkpoint; the log may be closed by now.
    if (this.#hasGivenUpPosts)
      throw new AnteroomError('unavailable', 'the node stops, nothing of the post was kept', { isRetryable: true });
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

  /** Saves the engine and trims the log, to be called between two entries (`intake.between`); null where there is nothing new, or the engine is being made again. @throws AnteroomError 'disk-full' or 'io'. */
  checkpoint(): Promise<CheckpointHeader | null> {
    const { checkpoints, troubles, engine } = this.#units;
    return checkpoints.take(() => {
      const { toldUntil, isSuspended } = this.intake;
      const isNew = toldUntil !== (checkpoints.newest?.logPosition ?? 0) && !troubles.has('engine') && !isSuspended;
      return isNew ? engine.save(toldUntil) : null;
    });
  }

  /** Those that are kept, the newest first; with `isVerifying` each says what is wrong with it (null = nothing). */
  checkpoints(isVerifying: boolean): ReturnType<NodeCheckpoints['list']> {
    return this.#units.checkpoints.list(isVerifying);
  }

  /** Stops taking accesses, lets what is under way end, saves, and closes. A second call gives the same promise. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Messages of sources that could not be read. */
  badMessages(limit: number): readonly SourceLetter[] {
    return this.#units.inlets.badMessages(limit);
  }

  /** Tries messages that a source could not read once more, all or those named, at most `limit` of them. */
  async redriveMessages(keys: readonly string[] | null, limit: number): Promise<readonly RedrivenMessage[]> {
    return this.#units.inlets.redriveMessages(keys, limit);
  }

  /** Reads keys of sources, sinks and parts again; what it resolves to puts them in force and names whose are different. @throws AnteroomError as `RereadKeys`. */
  async rereadKeys(): Promise<() => readonly string[]> {
    const sources = await this.#units.inlets.rereadKeys();
    const sinks = await this.dispatcher.rereadKeys();
    const places = await this.#elsewhere?.rereadKeys();
    return () => [...sources(), ...sinks(), ...(places?.() === true ? ['places.keyFolder'] : [])];
  }

  status(): NodeStatus {
    return nodeStatus({
      name: this.config.name,
      units: this.#units,
      elsewhere: this.#elsewhere,
      log: this.#stores.log,
      intake: this.#intake,
      recovery: this.#recovery,
      startedMs: this.#startedMs,
      nowMs: this.#clock.now(),
    });
  }

  async #drain(): Promise<void> {
    if (this.lifeCycle.state === 'stopped') return;
    const { checkpoints, logWatch, inlets } = this.#units;
    this.lifeCycle.drain();
    checkpoints.end();
    logWatch.end();
    if (this.#intake === null) {
      // A recovery ends at its next entry, or where it waits for a part.
      this.#elsewhere?.farLoop.lose('the node stops');
      await this.#elsewhere?.close();
      await this.#starting?.catch(() => {});
    } else {
      await this.#postsEnded(this.#intake);
      this.#hasGivenUpPosts = true;
      await inlets.stop();
      await this.dispatcher.end();
      await this.#intake.idle();
      await checkpoints.settled();
      await this.checkpoint().catch(() => {});
      const { position, digest } = await this.engine.stop();
      // What was staged has ended with it: the digest that a replay of the log gives.
      this.#logger.info({ position, digest }, 'the engine has ended');
      await this.#elsewhere?.close();
    }
    await this.#stores.close();
    this.lifeCycle.stopped();
  }

  /** Resolves when the posts that were admitted have ended, or after half the time of the drain: who sends slowly keeps nobody from a last checkpoint. */
  async #postsEnded(intake: Intake): Promise<void> {
    if (intake.postCount === 0) return;
    let timer: TimerId = 0;
    const late = new Promise<void>((settle) => {
      timer = this.#clock.setTimeout(() => {
        this.#logger.warn({ posts: intake.postCount }, 'posts that had not come to their end were given up');
        settle();
      }, this.config.drainMs / 2);
    });
    await Promise.race([intake.postsEnded(), late]);
    this.#clock.clearTimeout(timer);
  }
}
