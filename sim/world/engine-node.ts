/** One life of the node itself in the simulated world: `AnteroomNode` with its engine, on simulated disks, network and clock. */

import { AnteroomNode, type NodeLogger } from '../../actors/node/anteroom-node.ts';
import type { NodeStores } from '../../actors/node/data-folder.ts';
import { type NodeConfig, nodeConfigSchema } from '../../actors/node/node-config.ts';
import { adoptSettings } from '../../actors/node/reload-settings.ts';
import type { DeliveryEnd, Sink } from '../../actors/node/sinks/sink.ts';
import { parseConfig } from '../../engine/config.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import type { LogStore } from '../../engine/state/log-store.ts';
import { MemoryCheckpointStore } from '../../engine/state/memory-checkpoint-store.ts';
import { MemoryLogStore } from '../../engine/state/memory-log-store.ts';
import { MemoryRecordStore } from '../../engine/state/record-store.ts';
import type { Arrival } from '../../engine/transport/transport.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { type Batch, decodeFrame, encodeNumbers, numberAt } from './frames.ts';
import type { PlaceProcess } from './place-process.ts';
import { transportLimits } from './place-process.ts';
import type { SimulatedNode, SimulatedNodeOptions, SimulatedSettings } from './simulated-node.ts';
import { Reply } from './simulated-node.ts';

const DELIVERY_MS = 5000;
const SAMPLE_MS = 500;
/** A post as NDJSON is so much longer than as numbers; small enough that two at once are told to come again. */
const NDJSON_GROWTH = 4 / 3;
/** Of so many sizes one is that of a write, which ends every copy. */
const SIZES_PER_WRITE = 24;
const LIVES_MAX = 2 ** 12;
const silent: NodeLogger = { info: () => {}, warn: () => {}, error: () => {} };

export class EngineNode implements SimulatedNode {
  readonly process: PlaceProcess;
  readonly #options: SimulatedNodeOptions;
  readonly #config: NodeConfig;
  readonly #node: AnteroomNode;
  readonly #waiting = new Map<number, (end: DeliveryEnd) => void>();
  #lastId: number;
  #hasRecovered = false;
  /** Never 0: promises of the node may be on their way at any time. */
  readonly asyncCount = 1;
  /** Parsing takes a turn, telling an entry another. */
  readonly settleRounds = 6;

  constructor(options: SimulatedNodeOptions) {
    const { process, log, checkpoints, random } = options;
    this.#options = options;
    this.process = process;
    this.#lastId = (options.life % LIVES_MAX) * 2 ** 20;
    this.#config = configOf(options.settings);
    this.#node = new AnteroomNode({
      config: this.#config,
      stores: together({ log: options.bug === 'restart-without-replay' ? unread(log) : log, checkpoints }),
      clock: process.clock,
      random: random.fork('node'),
      logger: silent,
      sinks: [{ name: 'origin', deliver: () => this.#deliver() }],
    });
  }

  get toldUntil(): number {
    return this.#hasRecovered ? this.#node.intake.toldUntil : 0;
  }

  get isWorking(): boolean {
    return this.process.isAlive && this.#hasRecovered && this.#node.lifeCycle.isReady;
  }

  /** Open requests end by event time, so they are not waited for. */
  get openCount(): number {
    return 0;
  }

  get requestCount(): number {
    return this.#hasRecovered ? (this.#node.engine.stats().prefetches.issued as number) : 0;
  }

  async start(places: readonly string[]): Promise<void> {
    await this.#node.start();
    if (!this.process.isAlive) return;
    this.#hasRecovered = true;
    this.#options.checker.recovered(this.#options.log.facts.end, this.#node.follower.watermarkMs);
    await this.process.transport.bind('node');
    for (const place of places) this.process.transport.expect(place);
    this.#sample(places.length);
  }

  reload(): void {
    adoptSettings(this.#config, configOf(this.#options.settings));
  }

  #sample(places: number): void {
    const { checker } = this.#options;
    const { waiting, queued } = this.process.transport.counts();
    checker.bounded('the windows of the transport', waiting, transportLimits.windowMessages * places);
    checker.bounded('the queues of the transport', queued, transportLimits.queueMessagesMax * places);
    const { watermarkMs } = this.#node.follower;
    if (!Number.isNaN(watermarkMs)) checker.published(watermarkMs);
    this.process.clock.setTimeout(() => this.#sample(places), SAMPLE_MS);
  }

  receive(arrival: Arrival): void | Promise<void> {
    if (!this.#hasRecovered) return;
    const bytes = arrival.frames[0]!;
    if (arrival.kind === 'answer') {
      this.#waiting.get(numberAt(bytes, 0))?.({ kind: 'done', sizeBytes: 1000 });
      return;
    }
    return this.#post(arrival.from, bytes);
  }

  crash(): void {
    this.process.kill();
    this.#options.log.crash();
    this.#options.checkpoints.crash();
  }

  snapshot(): Uint8Array {
    return new TextEncoder().encode(
      this.#hasRecovered ? `${this.#node.engine.position} ${this.#node.engine.stats().digest}` : '',
    );
  }

  /** The log told to a node that never crashed must leave it as this one is, to the digest of its decisions. */
  async judge(batches: readonly Batch[]): Promise<void> {
    const { checker } = this.#options;
    const { toldUntil } = this;
    const log = new MemoryLogStore();
    for (const { position, units, bytes } of checker.entries)
      if (position < toldUntil) await log.append([{ origin: null, frames: [{ units, bytes }] }]);
    const reference = new AnteroomNode({
      config: this.#config,
      stores: together({ log, checkpoints: new MemoryCheckpointStore() }),
      clock: new VirtualClock(),
      random: new Xoshiro128(1),
      logger: silent,
      sinks: [unanswering],
    });
    await reference.start();
    const [own, other] = [this.#node.engine, reference.engine];
    if (own.position !== other.position || own.stats().digest !== other.stats().digest)
      checker.fail('replay', `the engine at ${own.position} decided otherwise than the log gives at ${other.position}`);
    const sent = batches.reduce((sum, { segment }) => sum + segment.length, 0);
    const told = `${own.position} accesses told, ${sent} sent`;
    if (own.position < sent) checker.fail('conservation', told);
    if (own.position > sent) checker.fail('exactly-once', told);
  }

  async #post(from: string, bytes: Uint8Array): Promise<void> {
    const sequence = numberAt(bytes, 2);
    const isEarly = this.#options.bug === 'acknowledge-before-append';
    if (isEarly) this.#reply(from, sequence, Reply.acknowledged);
    const reply = await this.#append(from, sequence, bytes);
    if (!isEarly) this.#reply(from, sequence, reply);
  }

  #reply(from: string, sequence: number, reply: number): void {
    if (this.process.isAlive) this.process.transport.send(from, 'reply', [encodeNumbers([sequence, reply])]);
  }

  async #append(producer: string, sequence: number, bytes: Uint8Array): Promise<number> {
    const node = this.#node;
    const room = node.intake.admit(bytes.length);
    // As HTTP does, an append is tried although the log is in trouble: it is how the node finds out that it works again.
    if (room === null || 'engine' in node.lifeCycle.troubles) {
      room?.release();
      return Reply.comeAgain;
    }
    try {
      const { receipt } = await node.post(ndjsonOf(bytes), { format: 'ndjson' }, { producer, sequence });
      return receipt?.kind === 'refused' ? Reply.refused : Reply.acknowledged;
    } catch {
      return Reply.comeAgain;
    } finally {
      room?.release();
    }
  }

  #deliver(): Promise<DeliveryEnd> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const end = (how: DeliveryEnd): void => {
        this.process.clock.clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(how);
      };
      const timer = this.process.clock.setTimeout(
        () => end({ kind: 'failed', why: 'no answer', isRetryable: true }),
        DELIVERY_MS,
      );
      this.#waiting.set(id, end);
      this.process.transport.send('origin', 'fetch', [encodeNumbers([id])]);
    });
  }
}

const unanswering: Sink = { name: 'origin', deliver: () => new Promise(() => {}) };

/** A log that gives nothing back: what a restart without replay does to the node. */
function unread(log: LogStore): LogStore {
  return {
    get facts() {
      return log.facts;
    },
    append: (appends) => log.append(appends),
    probe: (bytes) => log.probe(bytes),
    async *read() {},
    trim: (position) => log.trim(position),
    close: () => log.close(),
  };
}

function configOf({ checkpointEveryMs, queueBytesMax, rowsPerTurn }: SimulatedSettings): NodeConfig {
  const settings = {
    store: 'memory',
    checkpoints: { everyMs: checkpointEveryMs },
    engine: { capacity: 8 },
    ingest: { queueBytesMax: queueBytesMax * NDJSON_GROWTH, rowsPerTurn },
  };
  return parseConfig(nodeConfigSchema, settings, 'simulated node');
}

function together(stores: Pick<NodeStores, 'log' | 'checkpoints'>): NodeStores {
  return { ...stores, records: new MemoryRecordStore(), close: async () => {} };
}

function ndjsonOf(bytes: Uint8Array): Uint8Array {
  const frame = decodeFrame(bytes);
  if (frame.kind !== 'accesses') return new Uint8Array(0);
  const { timeMs, segment, size, producer } = frame.batch;
  const lines = Array.from(segment, (key, i) =>
    JSON.stringify({
      time: new Date(timeMs[i]!).toISOString(),
      segment: `/s${key}`,
      consumer: `c${producer}`,
      ...(size[i]! % SIZES_PER_WRITE === 0 ? { op: 'write' } : { size: size[i] }),
    }),
  );
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}
