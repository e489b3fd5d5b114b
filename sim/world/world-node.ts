/** One life of the simulated node: recovery, intake, checkpoints and requests on the real transport, log, actors and life cycle. */

import { Intake } from '../../actors/node/intake.ts';
import { LogProbe } from '../../actors/node/log-probe.ts';
import { NodeLifeCycle } from '../../actors/node/node-life-cycle.ts';
import type { ActorRef } from '../../engine/actor.ts';
import { backOffSchema } from '../../engine/back-off.ts';
import { parseConfig } from '../../engine/config.ts';
import type { AnteroomError } from '../../engine/errors.ts';
import type { CheckpointHeader, LoadedCheckpoint } from '../../engine/state/checkpoint-store.ts';
import type { LogAppend, LogEntry } from '../../engine/state/log-store.ts';
import { ActorSystem } from '../../engine/system.ts';
import type { Arrival } from '../../engine/transport/transport.ts';
import { clockTurns } from '../../engine/turns.ts';
import type { Batch } from './frames.ts';
import { decodeFrame, encodeAnswer, encodeNumbers, numberAt } from './frames.ts';
import { NodeState, type NodeStateFlaws } from './node-state.ts';
import type { PlaceProcess } from './place-process.ts';
import { transportLimits } from './place-process.ts';
import { QUEUE_BYTES_MAX, Reply, type SimulatedNode, type SimulatedNodeOptions } from './simulated-node.ts';

/** Posts and answers that may wait before the log. */
export const MAILBOX_CAPACITY = 12;
const UNBOUNDED = 16_777_216;
/** Appends handed to the intake at once; while they wait the mailbox fills. */
const APPENDS_MAX = 8;
const ANSWER_BYTES = 16;
const SCHEMA_VERSION = 1;
const RESEND_MS = 4000;
const SAMPLE_MS = 500;

interface Told {
  readonly entry: LogEntry;
  readonly done: () => void;
}

/** After `actors/node/anteroom-node.ts`, with {@link NodeState} where that has an engine, and messages where that has HTTP. */
export class WorldNode implements SimulatedNode {
  readonly process: PlaceProcess;
  readonly #options: SimulatedNodeOptions;
  readonly #system: ActorSystem;
  readonly #lifeCycle: NodeLifeCycle;
  readonly #logProbe: LogProbe;
  readonly #flaws: NodeStateFlaws;
  readonly #frontCapacity: number;
  #state: NodeState | null = null;
  #intake: Intake | null = null;
  #front: ActorRef<Arrival> | null = null;
  #follower: ActorRef<Told> | null = null;
  #checkpoint: CheckpointHeader | null = null;
  #appendsUnderWay = 0;
  #whenRoom: (() => void) | null = null;
  #held: LogEntry | null = null;
  #toldCount = 0;
  #placeCount = 0;
  readonly #queue: { bytesMax: number };
  #sentAt = new Map<number, number>();
  /** What this life has begun and not ended; while it is above 0 promises may be on their way. */
  asyncCount = 0;
  readonly settleRounds = 1;

  constructor(options: SimulatedNodeOptions) {
    const { process, bug, random } = options;
    this.#options = options;
    this.process = process;
    this.#queue = { bytesMax: options.settings.queueBytesMax };
    this.#flaws = { hasFallingWatermark: bug === 'watermark-back', countsEveryAnswer: bug === 'reply-consumed-twice' };
    this.#frontCapacity = bug === 'unbounded-mailbox' ? UNBOUNDED : MAILBOX_CAPACITY;
    this.#system = new ActorSystem({
      clock: process.clock,
      random: random.fork('actors'),
      turns: clockTurns(process.clock),
    });
    this.#lifeCycle = new NodeLifeCycle(process.clock);
    this.#logProbe = new LogProbe({
      clock: process.clock,
      random: random.fork('log probe'),
      backOff: parseConfig(backOffSchema, {}, 'log probe'),
      probe: () => void this.#probeLog(),
    });
  }

  get openCount(): number {
    return this.#state?.open.size ?? 0;
  }

  get requestCount(): number {
    return this.#state?.requested ?? 0;
  }

  get toldUntil(): number {
    return this.#intake?.toldUntil ?? 0;
  }

  get isWorking(): boolean {
    return this.process.isAlive && this.#lifeCycle.isReady;
  }

  /** Recovers and goes to work. */
  async start(places: readonly string[]): Promise<void> {
    this.asyncCount++;
    const { log, checkpoints, bug, checker } = this.#options;
    this.#lifeCycle.opened();
    const { loaded } = await checkpoints.latest();
    const { state, from } = await this.#restored(loaded);
    const replayed = bug === 'restart-without-replay' ? Promise.resolve() : this.#replay(log.read(from), state);
    // What is told later comes after what the log had, whatever the log holds by then.
    if (bug !== 'told-before-recovered') await replayed;
    if (!this.process.isAlive) return;
    this.#state = state;
    this.#checkpoint = loaded?.header ?? null;
    checker.recovered(log.facts.end, state.watermarkMs);
    const queue = this.#queue;
    this.#intake = new Intake({
      log,
      apply: (entry) => this.#apply(entry),
      get queueBytesMax() {
        return bug === 'admission-ignored' ? Number.POSITIVE_INFINITY : queue.bytesMax;
      },
      postsMax: 64,
      onLog: (error) => this.#logChanged(error),
      onEngine: (error) => this.#lifeCycle.trouble('engine', String(error)),
      now: () => this.process.clock.now(),
    });
    this.#follower = this.#system.spawn<Told>('follower', () => ({ receive: (told) => this.#follow(told) }));
    this.#front = this.#system.spawn<Arrival>('front', () => ({ receive: (arrival) => this.#take(arrival) }), {
      mailbox: { capacity: this.#frontCapacity, policy: 'block' },
    });
    this.#lifeCycle.recovered();
    const { transport, clock } = this.process;
    await transport.bind('node');
    for (const place of places) transport.expect(place);
    this.#placeCount = places.length;
    this.#request();
    this.#sample();
    clock.setTimeout(() => this.#checkpointTimer(), this.#options.settings.checkpointEveryMs);
    this.asyncCount--;
  }

  reload(): void {
    this.#queue.bytesMax = this.#options.settings.queueBytesMax;
  }

  async #replay(entries: AsyncIterable<LogEntry>, state: NodeState): Promise<void> {
    for await (const entry of entries) this.#applyTo(state, entry, false);
  }

  /** Tells the checker which outcome of a request was counted. */
  #applyTo(state: NodeState, entry: LogEntry, isLive: boolean): void {
    const { answered } = state;
    state.apply(entry);
    if (state.answered === answered) return;
    const frame = decodeFrame(entry.bytes);
    if (frame.kind === 'answer') this.#options.checker.outcome(frame.id, isLive);
  }

  /** The transport's handler: a post waits here for room in the mailbox, and its credit with it. */
  receive(arrival: Arrival): void | Promise<void> {
    const front = this.#front;
    if (front === null) return;
    if (front.tell(arrival) === 'full') return this.#waitForRoom(front, arrival);
    this.#options.checker.bounded('the mailbox before the log', this.#waitingIn(front), MAILBOX_CAPACITY);
  }

  crash(): void {
    this.process.kill();
    this.#options.log.crash();
    this.#options.checkpoints.crash();
  }

  snapshot(): Uint8Array {
    return this.#state?.snapshot() ?? new Uint8Array(0);
  }

  judge(batches: readonly Batch[]): Promise<void> {
    const { checker } = this.#options;
    checker.stateAt('the state at the end', this.toldUntil, this.#state!.snapshot());
    checker.totals(this.#state!, batches);
    return Promise.resolve();
  }

  #waitingIn(front: ActorRef<Arrival>): number {
    return this.#system.countsOf(front)?.queued ?? 0;
  }

  async #waitForRoom(front: ActorRef<Arrival>, arrival: Arrival): Promise<void> {
    this.asyncCount++;
    do await front.ready();
    while (front.tell(arrival) === 'full');
    this.asyncCount--;
    if (this.#options.bug === 'credit-lost') await new Promise(() => {});
  }

  async #restored(loaded: LoadedCheckpoint | null): Promise<{ state: NodeState; from: number }> {
    const { checkpoints, bug } = this.#options;
    if (loaded === null) return { state: new NodeState(this.#flaws), from: 0 };
    let bytes = loaded.parts[0]!;
    if (bug === 'checkpoint-unverified') {
      const [newest] = await checkpoints.list();
      const state = NodeState.restore((await checkpoints.newest()) ?? bytes, this.#flaws);
      return { state, from: newest!.logPosition };
    }
    if (bug === 'stale-checkpoint') bytes = (await checkpoints.oldest()) ?? bytes;
    return { state: NodeState.restore(bytes, this.#flaws), from: loaded.header.logPosition };
  }

  /** One message at a time; beyond `APPENDS_MAX` appends the next one waits. */
  #take(arrival: Arrival): void | Promise<void> {
    const bytes = arrival.frames[0]!;
    const id = numberAt(bytes, 0);
    if (arrival.kind === 'answer') {
      this.#append({ origin: null, frames: [{ units: 1, bytes: encodeAnswer(id) }] }, () => {});
    } else {
      this.#post(arrival.from, bytes);
    }
    if (this.#appendsUnderWay < APPENDS_MAX) return;
    return new Promise((resolve) => {
      this.#whenRoom = resolve;
    });
  }

  #post(from: string, bytes: Uint8Array): void {
    const { bug } = this.#options;
    const sequence = numberAt(bytes, 2);
    const room = this.#intake!.admit(bytes.length);
    if (room === null) {
      this.#reply(from, sequence, Reply.comeAgain);
      return;
    }
    room.release();
    const isEarly = bug === 'acknowledge-before-append';
    if (isEarly) this.#reply(from, sequence, Reply.acknowledged);
    const origin = bug === 'no-dedupe' ? null : { producer: from, sequence };
    this.#append({ origin, frames: [{ units: numberAt(bytes, 3), bytes }] }, (reply) => {
      if (!isEarly) this.#reply(from, sequence, reply);
    });
  }

  #append(append: LogAppend, answer: (reply: number) => void): void {
    this.#appendsUnderWay++;
    this.asyncCount++;
    const settle = (reply: number): void => {
      this.#appendsUnderWay--;
      this.asyncCount--;
      if (!this.process.isAlive) return;
      answer(reply);
      this.#whenRoom?.();
      this.#whenRoom = null;
    };
    this.#intake!.append(append).then(
      ({ kind }) => settle(kind === 'refused' ? Reply.refused : Reply.acknowledged),
      () => settle(Reply.comeAgain),
    );
  }

  #reply(to: string, sequence: number, reply: number): void {
    // Where the queue to a producer is full it hears nothing, and asks again.
    this.process.transport.send(to, 'reply', [encodeNumbers([sequence, reply])]);
  }

  /** The intake's way to the state: through an actor, which takes its time. */
  #apply(entry: LogEntry): Promise<void> {
    let next: readonly LogEntry[] = [entry];
    if (this.#options.bug === 'batches-out-of-order') {
      if (this.#held !== null) next = [entry, this.#held];
      else if (++this.#toldCount % 40 === 0) next = [];
      this.#held = next.length === 0 ? entry : null;
    }
    return next.reduce((before, one) => before.then(() => this.#tell(one)), Promise.resolve());
  }

  #tell(entry: LogEntry): Promise<void> {
    this.asyncCount++;
    return new Promise((resolve) => {
      const done = (): void => {
        this.asyncCount--;
        resolve();
      };
      this.#follower!.tell({ entry, done });
    });
  }

  #follow({ entry, done }: Told): void {
    const { checker, random } = this.#options;
    const state = this.#state!;
    checker.told(entry);
    this.#applyTo(state, entry, true);
    checker.published(state.watermarkMs);
    if (decodeFrame(entry.bytes).kind === 'accesses') this.#ask();
    this.process.clock.setTimeout(done, 1 + random.next() * 4);
  }

  /** Sends what is open and was not sent lately; again after a restart, and where no answer came. */
  #ask(): void {
    const now = this.process.clock.now();
    const { open } = this.#state!;
    for (const id of this.#sentAt.keys()) if (!open.has(id)) this.#sentAt.delete(id);
    for (const id of open.keys()) {
      const sentAt = this.#sentAt.get(id);
      if (sentAt !== undefined && now - sentAt < RESEND_MS) continue;
      if (this.process.transport.send('origin', 'fetch', [encodeNumbers([id])]) !== 'accepted') return;
      this.#sentAt.set(id, now);
    }
  }

  #request(): void {
    this.#ask();
    this.process.clock.setTimeout(() => this.#request(), RESEND_MS / 2);
  }

  #sample(): void {
    const { checker } = this.#options;
    const { waiting, queued } = this.process.transport.counts();
    const places = this.#placeCount;
    checker.bounded('the windows of the transport', waiting, transportLimits.windowMessages * places);
    checker.bounded('the queues of the transport', queued, transportLimits.queueMessagesMax * places);
    // A reload may just have made the queue smaller than what it holds; answers are never told to come again.
    const intakeMax = QUEUE_BYTES_MAX + this.#state!.open.size * ANSWER_BYTES + APPENDS_MAX * ANSWER_BYTES;
    checker.bounded('the intake (bytes)', this.#intake!.pendingBytes, intakeMax);
    this.process.clock.setTimeout(() => this.#sample(), SAMPLE_MS);
  }

  #checkpointTimer(): void {
    const { clock } = this.process;
    void this.#takeCheckpoint().finally(() => {
      clock.setTimeout(() => this.#checkpointTimer(), this.#options.settings.checkpointEveryMs);
    });
  }

  async #takeCheckpoint(): Promise<void> {
    this.asyncCount++;
    const isDirty = this.#options.bug === 'dirty-checkpoint';
    await (isDirty ? this.#save() : this.#intake!.between(() => this.#save())).then(
      () => this.#lifeCycle.relief('checkpoint'),
      (error: unknown) => this.#lifeCycle.trouble('checkpoint', String(error)),
    );
    this.asyncCount--;
  }

  async #save(): Promise<void> {
    const { log, checkpoints, checker } = this.#options;
    const { toldUntil } = this.#intake!;
    if (toldUntil === (this.#checkpoint?.logPosition ?? 0) || !this.process.isAlive) return;
    const state = this.#state!.snapshot();
    checker.stateAt('a checkpoint', toldUntil, state);
    this.#checkpoint = await checkpoints.put({
      logPosition: toldUntil,
      watermarkMs: this.#state!.watermarkMs,
      schemaVersion: SCHEMA_VERSION,
      createdAtMs: Math.round(this.process.clock.now()),
      parts: [state],
    });
    const kept = await checkpoints.list();
    if (kept.length > 1) await log.trim(kept.at(-1)!.logPosition);
  }

  async #probeLog(): Promise<void> {
    this.asyncCount++;
    await this.#intake!.probe();
    this.asyncCount--;
  }

  #logChanged(error: AnteroomError | null): void {
    if (error === null) {
      this.#logProbe.succeeded();
      this.#lifeCycle.relief('log');
    } else {
      this.#lifeCycle.trouble('log', error.message);
      this.#logProbe.failed();
    }
  }
}
