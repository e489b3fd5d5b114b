/** The standalone node: what is posted goes into the log, from the log into the engine, and what the engine asks for to the sinks. */

import { assert } from '../../engine/assert.ts';
import { backOffMs } from '../../engine/back-off.ts';
import type { Clock, TimerId } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { CheckpointHeader, LoadedCheckpoint } from '../../engine/state/checkpoint-store.ts';
import type { LogEntry, LogOrigin, LogReceipt } from '../../engine/state/log-store.ts';
import { VERSION } from '../../engine/version.ts';
import { loadComponent, saveComponent, sketchOf } from '../engine/component-state.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { Engine } from '../engine/engine.ts';
import { farActorNames } from '../placement/placement-config.ts';
import type { Elsewhere } from './connect-places.ts';
import { ConsumerQuotas } from './consumer-quotas.ts';
import type { NodeStores } from './data-folder.ts';
import { FairTurns } from './fair-turns.ts';
import { Intake } from './intake.ts';
import { LogFollower } from './log-follower.ts';
import { answerFrame, type PrefetchAnswer } from './log-frame.ts';
import { LogProbe } from './log-probe.ts';
import type { NodeConfig } from './node-config.ts';
import { NodeLifeCycle, type NodeState, type Trouble } from './node-life-cycle.ts';
import type { NodeStatus, Recovery } from './node-status.ts';
import { type ParsedPost, type PostOptions, parsePost } from './parse-post.ts';
import { Dispatcher } from './sinks/dispatcher.ts';
import { makeSink } from './sinks/make-sink.ts';
import type { Sink } from './sinks/sink.ts';
import type { RedriveEnd } from './sources/letter-desk.ts';
import { makeSource } from './sources/make-source.ts';
import type { Source, SourceStatus } from './sources/source.ts';
import { type SourceLetter, SourceLetters } from './sources/source-letters.ts';
import { Tailer } from './tailer.ts';
import type { PostSpan, Tracing } from './tracing.ts';

/** Where a node writes what happens; pino's shape. Never given a secret. */
export interface NodeLogger {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

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

/** Version of what a checkpoint holds. */
const SCHEMA_VERSION = 1;
/** Consumers beyond their quotas that `status` names. */
const LIMITED_NAMED = 10;
/** In the place of a state that there is not. */
const NOTHING = new Uint8Array(0);
/** Accesses told in one call where requests come out. A constant: which of them a demand overtakes depends on it. */
const LIVE_ROWS = 16;
/** Bytes of a followed file that are taken at once. */
const TAIL_CHUNK_BYTES = 2 ** 20;

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
  readonly #stores: NodeStores;
  readonly #clock: Clock;
  readonly #logger: NodeLogger;
  readonly #dispatcher: Dispatcher;
  readonly #logProbe: LogProbe;
  readonly #tailer: Tailer;
  readonly #sources: readonly Source[];
  readonly #sourceLetters: SourceLetters;
  readonly #mode: NodeStatus['mode'];
  /** Null = off. */
  readonly tracing: Tracing | null;
  readonly #startedMs: number;
  readonly #elsewhere: Elsewhere | null;
  readonly #recoveryBackOff: RandomSource;
  readonly #parsing: FairTurns;
  #engine: Engine | null = null;
  #isRebuilding = false;
  #follower: LogFollower | null = null;
  #intake: Intake | null = null;
  #quotas: ConsumerQuotas | null = null;
  #saveQuotas: () => Uint8Array = () => NOTHING;
  #recovery: Recovery | null = null;
  #checkpoint: CheckpointHeader | null = null;
  #checkpointing: Promise<CheckpointHeader | null> | null = null;
  #timer: TimerId | null = null;
  #draining: Promise<void> | null = null;
  readonly #failingSinks = new Map<string, string>();
  readonly #failingSources = new Map<string, string>();

  constructor(options: NodeOptions) {
    const { config, stores, clock, logger } = options;
    this.config = config;
    this.#stores = stores;
    this.#clock = clock;
    this.#logger = logger;
    this.tracing = options.tracing ?? null;
    this.#startedMs = clock.now();
    this.#elsewhere = options.elsewhere ?? null;
    this.#parsing = new FairTurns(config.ingest.parsesMax);
    this.#recoveryBackOff = options.random.fork('rebuild');
    this.#elsewhere?.listen(
      () => this.#placesChanged(),
      (why) => this.#placeLost(why),
    );
    this.lifeCycle = new NodeLifeCycle(clock, (state) => this.#entered(state));
    const sinks = [
      ...config.sinks.map((sink) => makeSink(sink, config.delivery.timeoutMs, clock)),
      ...(options.sinks ?? []),
    ];
    this.#mode = sinks.length > 0 ? 'prefetching' : 'observing';
    this.#dispatcher = new Dispatcher({
      node: config.name,
      sinks,
      letters: stores.records,
      config: config.delivery,
      concurrencyMax: config.engine.live.concurrencyMax,
      clock,
      random: options.random.fork('delivery'),
      onAnswer: (answer) => void this.#answered(answer),
      onSink: (name, why) => this.#sinkChanged(name, why),
      tracing: this.tracing,
    });
    this.#logProbe = new LogProbe({
      clock,
      random: options.random.fork('log probe'),
      backOff: config.logProbe,
      probe: () => void this.intake.probe(),
    });
    this.#tailer = new Tailer({
      tails: config.tail,
      pollMs: config.tailPollMs,
      chunkBytesMax: TAIL_CHUNK_BYTES,
      places: stores.records,
      clock,
      parse: (bytes, format) => parsePost(bytes, this.#postOptions({ format, isLenient: true })),
      append: (frames, origin) => this.intake.append({ origin, frames }),
      hasRoom: (bytes) => this.#hasRoom(bytes),
      onTrouble: (why) => this.#trouble('tail', why),
    });
    const { keptMax, bytesMax } = config.badMessages;
    this.#sourceLetters = new SourceLetters({ records: stores.records, lettersMax: keptMax, letterBytesMax: bytesMax });
    this.#sources = config.sources.map((source) =>
      makeSource(source, {
        records: stores.records,
        letters: this.#sourceLetters,
        clock,
        random: options.random.fork(`source ${source.name}`),
        parse: (bytes, format, consumers) =>
          parsePost(bytes, this.#postOptions({ format, isLenient: false, consumers })),
        append: (frames, origin) => this.intake.append({ origin, frames }),
        whenRoom: (bytes, waitMs) => this.#whenRoom(bytes, waitMs),
        onChange: (status) => this.#sourceChanged(status),
        onBad: (why) => this.#logger.warn({ why }, 'a message is bad'),
        onNote: (facts, message) => this.#logger.info(facts, message),
      }),
    );
  }

  get engine(): Engine {
    assert(this.#engine !== null, 'the node has recovered');
    return this.#engine;
  }

  get intake(): Intake {
    assert(this.#intake !== null, 'the node has recovered');
    return this.#intake;
  }

  get follower(): LogFollower {
    assert(this.#follower !== null, 'the node has recovered');
    return this.#follower;
  }

  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }

  /** Whether what was in the log has been told. */
  get isRecovered(): boolean {
    return this.#intake !== null;
  }

  get hasEngine(): boolean {
    return this.#engine !== null;
  }

  /**
   * Recovers and goes to work.
   * @throws AnteroomError 'corrupt' where what is kept cannot be what was kept; nothing is begun anew over it.
   */
  async start(): Promise<void> {
    this.lifeCycle.opened();
    const startedMs = this.#clock.now();
    this.#placesChanged();
    const { loaded, damaged } = await this.#latestCheckpoint();
    const replayed = await this.#recoverEngine(loaded);
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
      apply: (entry) => this.#apply(entry),
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
    this.#dispatcher.begin();
    if (this.config.tail.length > 0) this.#tailer.start();
    for (const source of this.#sources) source.start();
    this.#scheduleCheckpoint();
  }

  async #latestCheckpoint(): Promise<{
    readonly loaded: LoadedCheckpoint | null;
    readonly damaged: readonly string[];
  }> {
    const { loaded, damaged } = await this.#stores.checkpoints.latest();
    for (const { header, problem } of damaged)
      this.#logger.warn({ checkpoint: header.id, problem }, 'a checkpoint is damaged and was passed over');
    this.#checkpoint = loaded?.header ?? null;
    return { loaded, damaged: damaged.map(({ header, problem }) => `checkpoint ${header.id}: ${problem}`) };
  }

  /** Makes the engine as the checkpoint has it and tells it what follows in the log; returns how much that was. Where parts are lost meanwhile it begins anew. */
  async #recoverEngine(loaded: LoadedCheckpoint | null): Promise<number> {
    const from = this.#replayFrom(loaded);
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#openEngine(loaded, from);
        return await this.#replay(from);
      } catch (error) {
        const isLost = error instanceof AnteroomError && error.code === 'actor-stopped' && error.isRetryable;
        if (!isLost || this.#elsewhere === null || this.#draining !== null) throw error;
        this.#trouble('place', error.message);
        const waitMs = backOffMs(attempt, this.config.logProbe, this.#recoveryBackOff);
        await new Promise<void>((settle) => this.#clock.setTimeout(settle, waitMs));
        this.#dispatcher.pause();
      }
    }
  }

  async #openEngine(loaded: LoadedCheckpoint | null, from: number): Promise<void> {
    const far = loaded?.parts.slice(1, 1 + farActorNames.length) ?? [];
    const farStates = new Map(farActorNames.flatMap((name, i) => (far[i]?.length ? [[name, far[i]] as const] : [])));
    if (this.#elsewhere !== null && loaded !== null && farStates.size === 0)
      throw new AnteroomError(
        'unsupported',
        'the checkpoint was taken with the far loop off; start once without places',
      );
    const links = await this.#elsewhere?.farLoop.begin(farStates);
    const engine = createEngine({
      config: { ...this.config.engine, mode: engineModeOf(this.#mode) },
      // The store has compared their SHA-256.
      ...(loaded === null ? {} : { snapshot: loaded.parts[0]!, farStates, isSnapshotVerified: true }),
      ...(links === undefined ? {} : { elsewhere: links }),
    });
    if (engine.restored === 'relearned')
      this.#logger.warn(
        { checkpoint: loaded?.header.id },
        'the checkpoint is of other settings or models: only the latest accesses before it were learned again',
      );
    this.#engine = engine;
    engine.prefetches$.subscribe((request) => {
      this.tracing?.decide(request);
      this.#dispatcher.offer(request);
    });
    engine.cancellations$.subscribe((id) => this.#dispatcher.cancel(id));
    const quotas = new ConsumerQuotas(this.config.quotas, this.config.engine.segmentsMax, (consumer) =>
      engine.consumers.nameOf(consumer),
    );
    const sketch = sketchOf(quotas);
    this.#saveQuotas = () => saveComponent(quotas, sketch);
    const saved = loaded?.parts[1 + farActorNames.length];
    if (saved !== undefined && !loadComponent(quotas, saved, true))
      this.#logger.warn({}, 'the quotas of consumers begin anew: they were saved by another version');
    this.#quotas = quotas;
    const { farLoop } = this.#elsewhere ?? {};
    const { config } = this;
    const isLive = this.#mode === 'prefetching';
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
      openRequest: (segment) => this.#dispatcher.take(segment),
      ...(farLoop === undefined ? {} : { settle: () => farLoop.settle(() => engine.isSettled) }),
    });
  }

  /** Tells the engine the log from `from` to its end as it is then; returns how many units. */
  async #replay(from: number): Promise<number> {
    let replayed = 0;
    for await (const entry of this.#stores.log.read(from)) {
      if (entry.position < from)
        throw new AnteroomError(
          'corrupt',
          `no entry of the log begins at position ${from}, where the checkpoint stands`,
        );
      await this.follower.apply(entry);
      replayed += entry.units;
    }
    return replayed;
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
    const { frames, ...facts } = await this.#parsing.take(() => parsePost(body, this.#postOptions(options)));
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
    this.#checkpointing ??= this.#takeCheckpoint().finally(() => {
      this.#checkpointing = null;
    });
    return this.#checkpointing;
  }

  /** Those that are kept, the newest first; with `isVerifying` each says what is wrong with it (null = nothing). */
  async checkpoints(
    isVerifying: boolean,
  ): Promise<readonly (CheckpointHeader & { readonly problem?: string | null })[]> {
    const list = await this.#stores.checkpoints.list();
    if (!isVerifying) return list;
    return Promise.all(
      list.map(async (header) => ({ ...header, problem: await this.#stores.checkpoints.verify(header.id) })),
    );
  }

  /** Stops taking accesses, lets what is under way end, saves, and closes. A second call gives the same promise. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Messages of sources that could not be read. */
  badMessages(limit: number): readonly SourceLetter[] {
    return this.#sourceLetters.list(limit);
  }

  /** Tries messages that a source could not read once more, all or those named, at most `limit` of them. */
  async redriveMessages(
    keys: readonly string[] | null,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly source: string; readonly end: RedriveEnd }[]> {
    const wanted = this.#sourceLetters.list(keys === null ? limit : this.config.badMessages.keptMax);
    const ends: { key: string; source: string; end: RedriveEnd }[] = [];
    for (const letter of wanted) {
      const { key, source } = letter;
      if (ends.length >= limit || (keys !== null && !keys.includes(key))) continue;
      const from = this.#sources.find(({ name }) => name === source);
      const why =
        from?.redrive === undefined
          ? `there is no source ${source} any more`
          : this.lifeCycle.state === 'draining' || !this.#hasRoom(letter.bytes)
            ? 'the node has no room now'
            : null;
      ends.push({ key, source, end: why === null ? await from!.redrive!(letter) : { kind: 'failed', why } });
    }
    return ends;
  }

  status(): NodeStatus {
    const { lifeCycle } = this;
    const checkpoint = this.#checkpoint;
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
      intake: this.#intake?.counts ?? { appended: 0, duplicates: 0, refused: 0, throttled: 0, failed: 0 },
      told: this.#follower?.counts ?? {
        accesses: 0,
        answers: 0,
        segmentsRefused: 0,
        consumersRefused: 0,
        answersIgnored: 0,
        limited: { rate: 0, segments: 0 },
      },
      checkpoint,
      checkpointAgeSeconds: checkpoint === null ? null : Math.max(0, now - checkpoint.createdAtMs) / 1000,
      delivery: this.#dispatcher.counts,
      tail: this.#tailer.counts,
      sources: [...(this.config.tail.length > 0 ? [this.#tailer] : []), ...this.#sources].map(({ status }) => status),
      badMessages: this.#sourceLetters.count,
      limited: this.#quotas?.most(LIMITED_NAMED) ?? [],
    };
  }

  async #apply(entry: LogEntry): Promise<void> {
    const span = this.tracing?.tell(entry) ?? null;
    try {
      await this.follower.apply(entry);
      span?.end();
    } catch (error) {
      span?.end(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Where the replay begins. @throws AnteroomError 'corrupt' where that would leave something out. */
  #replayFrom(loaded: LoadedCheckpoint | null): number {
    const { start, end } = this.#stores.log.facts;
    if (loaded !== null) {
      const { logPosition, schemaVersion, id } = loaded.header;
      if (schemaVersion !== SCHEMA_VERSION)
        throw new AnteroomError(
          'unsupported',
          `checkpoint ${id} has layout ${schemaVersion}, this version reads ${SCHEMA_VERSION}`,
        );
      if (logPosition > end)
        throw new AnteroomError(
          'corrupt',
          `the log ends at ${end}, before checkpoint ${id} at ${logPosition}: entries are missing`,
        );
      if (logPosition >= start) return logPosition;
    } else if (start === 0) return 0;
    const what =
      loaded === null ? 'no whole checkpoint is there' : `the checkpoint stands at ${loaded.header.logPosition}`;
    const message = `the log begins at ${start} and ${what}: what lies between is lost`;
    if (!this.config.checkpoints.acceptLoss)
      throw new AnteroomError('corrupt', `${message}; start with checkpoints.acceptLoss to go on without it`, {
        context: { start },
      });
    this.#logger.error({ start }, message);
    return start;
  }

  async #takeCheckpoint(): Promise<CheckpointHeader | null> {
    const { log, checkpoints } = this.#stores;
    const logPosition = this.intake.toldUntil;
    if (logPosition === (this.#checkpoint?.logPosition ?? 0) || 'engine' in this.lifeCycle.troubles) return null;
    const state = this.engine.snapshot({ isFarApart: true });
    const quotas = this.#saveQuotas();
    const { watermarkMs } = this.follower;
    try {
      // Parts elsewhere are told to save before anything else is told, so all states are of one position.
      const far = (await this.#elsewhere?.farLoop.save(logPosition)) ?? this.engine.farStates();
      this.#checkpoint = await checkpoints.put({
        logPosition,
        watermarkMs: Number.isNaN(watermarkMs) ? (this.#checkpoint?.watermarkMs ?? null) : watermarkMs,
        schemaVersion: SCHEMA_VERSION,
        createdAtMs: Math.round(this.#clock.now()),
        parts: [state, ...farActorNames.map((name) => far.get(name) ?? NOTHING), quotas],
      });
      const kept = await checkpoints.list();
      // Where the newest is damaged the oldest kept must still find its rest in the log; one alone keeps the whole of it.
      if (kept.length > 1 || this.config.checkpoints.kept === 1) await log.trim(kept.at(-1)!.logPosition);
      this.lifeCycle.relief('checkpoint');
      return this.#checkpoint;
    } catch (error) {
      this.#trouble('checkpoint', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #scheduleCheckpoint(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.intake
        .between(() => this.checkpoint())
        .catch((error: unknown) => this.#logger.error({ error: String(error) }, 'no checkpoint could be taken'))
        .finally(() => {
          if (this.#draining === null) this.#scheduleCheckpoint();
        });
    }, this.config.checkpoints.everyMs);
  }

  async #drain(): Promise<void> {
    if (this.lifeCycle.state === 'stopped') return;
    this.lifeCycle.drain();
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#logProbe.end();
    if (this.#intake !== null) {
      await Promise.all([this.#tailer, ...this.#sources].map((source) => source.stop()));
      await this.#dispatcher.end();
      await this.#intake.idle();
      await this.#checkpointing?.catch(() => {});
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
    this.#trouble('log', error.message);
    this.#logProbe.failed();
    // A log that is full is trimmed by a checkpoint.
    if (error.code === 'disk-full') void this.intake.between(() => this.checkpoint()).catch(() => {});
  }

  #engineFailed(error: unknown): void {
    // Lost parts come back, and the engine with them; anything else is a fault that a restart has to mend.
    if (this.#isRebuilding) return;
    this.#trouble('engine', error instanceof Error ? error.message : String(error));
  }

  /** A part is away: messages to it wait, and so does what must be decided with it. */
  #placesChanged(): void {
    const away = this.#elsewhere?.away() ?? [];
    if (away.length > 0) this.#trouble('place', `away: ${away.join(', ')}`);
    else if (!this.#isRebuilding && this.#engine !== null) this.lifeCycle.relief('place');
  }

  /** A part has lost its actors: the engine is made again from the checkpoint and the log, and goes on where that ends. */
  #placeLost(why: string): void {
    this.#trouble('place', why);
    if (this.#intake === null || this.#isRebuilding || this.#draining !== null) return;
    this.#isRebuilding = true;
    this.#intake.suspend();
    void this.#rebuild().catch((error: unknown) => {
      this.#isRebuilding = false;
      this.#engineFailed(error);
    });
  }

  async #rebuild(): Promise<void> {
    this.#dispatcher.pause();
    await this.#checkpointing?.catch(() => {});
    const { loaded } = await this.#latestCheckpoint();
    await this.#recoverEngine(loaded);
    // What was appended while the end was read is told before anything else can be.
    while (this.#stores.log.facts.end > this.follower.position) await this.#replay(this.follower.position);
    this.intake.revive(this.#stores.log.facts.end);
    this.#isRebuilding = false;
    this.#logger.info({ position: this.#stores.log.facts.end }, 'the engine was made again');
    this.#placesChanged();
    this.#dispatcher.begin();
  }

  #sinkChanged(name: string, why: string | null): void {
    if (why === null) this.#failingSinks.delete(name);
    else this.#failingSinks.set(name, why);
    const all = [...this.#failingSinks].map(([sink, reason]) => `${sink}: ${reason}`).join('; ');
    this.#trouble('sink', all === '' ? null : all);
  }

  #sourceChanged({ name, state, trouble }: SourceStatus): void {
    if (trouble === null) this.#failingSources.delete(name);
    else this.#failingSources.set(name, trouble);
    this.#logger.info({ source: name, state, trouble }, 'source');
    const all = [...this.#failingSources].map(([source, reason]) => `${source}: ${reason}`).join('; ');
    this.#trouble('source', all === '' ? null : all);
  }

  /** An engine that is down learns nothing: what a source has is better left where it is. */
  #hasRoom(bytes: number): boolean {
    return !('engine' in this.lifeCycle.troubles) && this.intake.hasRoom(bytes);
  }

  async #whenRoom(bytes: number, waitMs: number): Promise<boolean> {
    if (this.#hasRoom(bytes) || waitMs === 0) return this.#hasRoom(bytes);
    let forget = (): void => {};
    let timer: TimerId = 0;
    await new Promise<void>((settle) => {
      timer = this.#clock.setTimeout(settle, waitMs);
      if (!('engine' in this.lifeCycle.troubles)) forget = this.intake.whenRoom(bytes, settle);
    });
    forget();
    this.#clock.clearTimeout(timer);
    return this.#hasRoom(bytes);
  }

  #trouble(trouble: Trouble, why: string | null): void {
    if (why === null) {
      this.lifeCycle.relief(trouble);
      return;
    }
    if (this.lifeCycle.troubles[trouble] !== why) this.#logger.error({ trouble, why }, 'trouble');
    this.lifeCycle.trouble(trouble, why);
  }

  #entered(state: NodeState): void {
    this.#logger.info({ state }, 'state');
  }

  #postOptions(options: Partial<PostOptions>): PostOptions {
    const { rowsPerPostMax, rowsPerFrame, timeAheadMaxMs } = this.config.ingest;
    const nowMs = this.#clock.now();
    return {
      format: 'auto',
      isLenient: false,
      ...options,
      nowMs,
      latestMs: nowMs + timeAheadMaxMs,
      rowsMax: rowsPerPostMax,
      rowsPerFrame,
    };
  }
}

/** In `prefetching` requests go out and are answered; in `observing` fetches take what the latency model says. */
export function engineModeOf(mode: NodeStatus['mode']): 'live' | 'modelled' {
  return mode === 'prefetching' ? 'live' : 'modelled';
}
