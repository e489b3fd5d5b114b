/** One world of one seed: producers, a network, a node and an origin in virtual time, their faults, and what came of it. */

import { assert } from '../../engine/assert.ts';
import { sha256Hex } from '../../engine/host/digest.ts';
import { eventLoopRound } from '../../engine/host/turns.ts';
import { type RandomSource, Xoshiro128 } from '../../engine/random.ts';
import type { LogAppend, LogReceipt } from '../../engine/state/log-store.ts';
import { MemoryCheckpointDisk } from '../../engine/state/memory-checkpoint-store.ts';
import { MemoryDisk, MemoryLogStore } from '../../engine/state/memory-log-store.ts';
import { SimulatedNetwork } from '../../engine/transport/simulated-network.ts';
import type { Arrival } from '../../engine/transport/transport.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { type Bug, engineBugs } from './bugs.ts';
import { Checker, fromAppend, type Violation } from './checker.ts';
import { damageKinds, damageNewest, FaultyCheckpointStore } from './faulty-checkpoint-store.ts';
import { type DiskWeather, FaultyLogStore } from './faulty-log-store.ts';
import { Origin } from './origin.ts';
import { PlaceProcess } from './place-process.ts';
import type { WallClock } from './process-clock.ts';
import { Producer } from './producer.ts';
import { type Fault, type Scenario, scenarioOf } from './scenario.ts';
import {
  type NodeKind,
  QUEUE_BYTES_MAX,
  type SimulatedNode,
  type SimulatedNodeOptions,
  type SimulatedSettings,
} from './simulated-node.ts';
import { WorldNode } from './world-node.ts';

/** Virtual time after the last fault and the last post within which everything must be acknowledged and told. */
export const HEALING_MS = 60_000;
const RESTART_MS = 400;
/** What the wall clocks say at the start: no step leads before the beginning of time. */
const EPOCH_MS = 10 * 86_400_000;
const CLOCK_LOOK_MS = 5000;
const ROWS_PER_TURN = 256;
/** A crash that cuts a reload short comes so long after it. */
const RELOAD_CRASH_MS = 3;

export interface WorldOptions {
  readonly seed: number;
  /** Virtual; at least 2. Default 10. */
  readonly minutes?: number;
  readonly bug?: Bug | null;
  /** Default `path`; `engine` takes `engineBugs` only. */
  readonly node?: NodeKind;
}

/** What one seed came to. Equal seeds give equal results, to the last digit of the digest. */
export interface WorldResult {
  readonly seed: number;
  readonly violation: Violation | null;
  /** SHA-256 over what happened and when, and the state at the end. */
  readonly digest: string;
  readonly virtualMs: number;
  readonly events: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly facts: {
    readonly packets: number;
    readonly lives: number;
    readonly resent: number;
    readonly requests: number;
    readonly timers: number;
  };
}

export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  const kind = options.node ?? 'path';
  const makeNode = await nodeMaker(kind);
  return new World(scenarioOf(options.seed, options.minutes ?? 10), options.bug ?? null, kind, makeNode).run();
}

type NodeMaker = (options: SimulatedNodeOptions) => SimulatedNode;

/** Loads the engine only where it is simulated: it takes longer to load than a seed of the path to run. */
async function nodeMaker(kind: NodeKind): Promise<NodeMaker> {
  if (kind === 'path') return (options) => new WorldNode(options);
  const { EngineNode } = await import('./engine-node.ts');
  return (options) => new EngineNode(options);
}

class World {
  readonly #scenario: Scenario;
  readonly #bug: Bug | null;
  readonly #makeNode: NodeMaker;
  readonly #random: RandomSource;
  readonly #clock = new VirtualClock();
  readonly #network: SimulatedNetwork;
  readonly #checker: Checker;
  readonly #logDisk = new MemoryDisk();
  readonly #checkpointDisk = new MemoryCheckpointDisk();
  readonly #weather: DiskWeather = { isFailing: false, slowMs: 0, readMs: 0 };
  readonly #settings: SimulatedSettings;
  readonly #producers: readonly Producer[];
  readonly #producerProcesses: PlaceProcess[] = [];
  readonly #origin: Origin;
  #originProcess: PlaceProcess | null = null;
  #node: SimulatedNode | null = null;
  #lives = 0;
  /** Faults that last, by what they do. */
  readonly #lasting = new Map<string, number>();
  readonly #faultCounts: Record<string, number> = {};
  #mustSettle = false;
  /** Of each machine. */
  readonly #walls = new Map<string, WallClock>();
  #timers = 0;
  #trace = 0;

  constructor(scenario: Scenario, bug: Bug | null, kind: NodeKind, makeNode: NodeMaker) {
    assert(bug === null || kind === 'path' || engineBugs.includes(bug), `${bug} cannot be planted around the engine`);
    this.#makeNode = makeNode;
    this.#scenario = scenario;
    this.#bug = bug;
    this.#settings = {
      checkpointEveryMs: scenario.checkpointEveryMs,
      queueBytesMax: QUEUE_BYTES_MAX,
      rowsPerTurn: ROWS_PER_TURN,
    };
    this.#random = new Xoshiro128(scenario.seed);
    const random = this.#random.fork('network');
    this.#network = new SimulatedNetwork({ clock: this.#clock, random, config: scenario.network });
    this.#checker =
      kind === 'path' ? new Checker(() => this.#clock.now()) : new Checker(() => this.#clock.now(), fromAppend);
    this.#producers = scenario.producers.map((plan, i) => new Producer(`producer-${i}`, plan, this.#checker));
    this.#origin = new Origin(this.#random.fork('origin'));
  }

  async run(): Promise<WorldResult> {
    const { faults, durationMs, producers } = this.#scenario;
    this.#startNode();
    for (let i = 0; i < this.#producers.length; i++) this.#startProducer(i);
    this.#startOrigin();
    for (const fault of faults) this.#clock.setTimeout(() => this.#begin(fault), fault.atMs);
    const lastPost = Math.max(...producers.map((plan) => plan.at(-1)!.atMs));
    const lastFault = Math.max(...faults.map(({ atMs, durationMs: lasts }) => atMs + lasts + RESTART_MS));
    const boundAt = Math.max(lastPost, lastFault) + HEALING_MS;
    await eventLoopRound();
    await this.#play(Math.max(lastPost, lastFault), () => false);
    await this.#play(boundAt, () => this.#isQuiet());
    if (!this.#isQuiet()) this.#checker.fail('liveness', this.#whatIsStuck());
    // What still comes late must change nothing.
    await this.#play(Math.max(durationMs, this.#clock.now()), () => false);
    if (this.#checker.violation === null) await this.#node!.judge(this.#producers.flatMap(({ batches }) => batches));
    return this.#result();
  }

  /** Runs timers up to `untilMs`, and what they resolved before time goes on. */
  async #play(untilMs: number, isOver: () => boolean): Promise<void> {
    const clock = this.#clock;
    for (let i = 0; this.#checker.violation === null; i++) {
      if (clock.nextAt() > untilMs) break;
      if ((i & 63) === 0 && isOver()) return;
      const before = this.#node?.asyncCount ?? 0;
      clock.runNext();
      this.#timers++;
      if (!this.#mustSettle && before === 0 && (this.#node?.asyncCount ?? 0) === 0) continue;
      this.#mustSettle = false;
      for (let round = this.#node?.settleRounds ?? 1; round > 0; round--) await eventLoopRound();
    }
    if (this.#checker.violation === null) clock.advanceTo(Math.max(clock.now(), untilMs));
  }

  #isQuiet(): boolean {
    const node = this.#node;
    if (node === null || !node.isWorking) return false;
    const isTold = node.toldUntil === this.#logDisk.end && node.openCount === 0;
    return isTold && this.#producers.every((producer) => producer.isDone);
  }

  #whatIsStuck(): string {
    const left = this.#producers.reduce((sum, producer) => sum + producer.left, 0);
    const open = this.#node?.openCount ?? 0;
    const told = this.#node?.toldUntil ?? 0;
    return `${HEALING_MS / 1000} s after the last fault ${left} batches are not acknowledged, ${this.#logDisk.end - told} entries not told, ${open} requests open`;
  }

  #result(): WorldResult {
    const { seed, eventCount } = this.#scenario;
    const { violation } = this.#checker;
    const counts = this.#network.counts();
    const facts = {
      packets: counts.delivered,
      lives: this.#lives,
      resent: this.#producers.reduce((sum, { resentCount }) => sum + resentCount, 0),
      requests: this.#node?.requestCount ?? 0,
      timers: this.#timers,
    };
    const told = JSON.stringify([this.#trace, counts, facts, violation, this.#clock.now()]);
    const state = this.#node?.snapshot() ?? new Uint8Array(0);
    return {
      seed,
      violation,
      digest: sha256Hex([new TextEncoder().encode(told), state]),
      virtualMs: this.#clock.now(),
      events: eventCount,
      faults: this.#faultCounts,
      facts,
    };
  }

  #startNode(): void {
    if (this.#bug === 'dedupe-forgotten') this.#logDisk.producers.clear();
    const random = this.#random.fork(`node ${++this.#lives}`);
    const process = this.#process('node', random, (arrival) => node.receive(arrival));
    this.#watchClock(process);
    const { clock } = process;
    const weather = this.#weather;
    const options = {
      process,
      random,
      log: new FaultyLogStore({
        inner: new MemoryLogStore({ disk: this.#logDisk }),
        clock,
        weather,
        random: random.fork('log'),
        onDurable: (appends: readonly LogAppend[], receipts: readonly LogReceipt[]) => {
          this.#note(appends.length);
          this.#checker.durable(appends, receipts);
        },
      }),
      checkpoints: new FaultyCheckpointStore({
        disk: this.#checkpointDisk,
        clock,
        weather,
        random: random.fork('checkpoints'),
      }),
      settings: this.#settings,
      checker: this.#checker,
      bug: this.#bug,
      life: this.#lives,
    };
    const node = this.#makeNode(options);
    this.#node = node;
    this.#mustSettle = true;
    node.start([...this.#producers.map(({ place }) => place), 'origin']).catch((error: unknown) => {
      this.#checker.fail(
        'liveness',
        `the node does not start: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  }

  #startProducer(i: number): void {
    const producer = this.#producers[i]!;
    const random = this.#random.fork(`${producer.place} ${++this.#lives}`);
    const process = this.#process(producer.place, random, (arrival) => producer.receive(arrival));
    this.#producerProcesses[i] = process;
    this.#mustSettle = true;
    producer.start(process);
  }

  #startOrigin(): void {
    const random = this.#random.fork(`origin ${++this.#lives}`);
    const process = this.#process('origin', random, (arrival) => this.#origin.receive(arrival));
    this.#originProcess = process;
    this.#mustSettle = true;
    this.#origin.start(process);
  }

  #process(place: string, random: RandomSource, receive: (arrival: Arrival) => void | Promise<void>): PlaceProcess {
    return new PlaceProcess({
      place,
      clock: this.#clock,
      wall: this.#wallOf(place),
      isClockFollowing: this.#bug === 'clock-followed',
      hasWideWindow: place === 'node' && this.#bug === 'window-ignored',
      network: this.#network,
      random: random.fork('nonce'),
      receive,
    });
  }

  #wallOf(place: string): WallClock {
    const known = this.#walls.get(place);
    if (known !== undefined) return known;
    const wall = { offsetMs: EPOCH_MS };
    this.#walls.set(place, wall);
    return wall;
  }

  /** Looks now and then whether the node's clock goes as the world's time does. */
  #watchClock(process: PlaceProcess): void {
    if (!process.isAlive) return;
    const [own, world] = [process.clock.now(), this.#clock.now()];
    this.#clock.setTimeout(() => {
      if (!process.isAlive) return;
      this.#checker.clock('node', process.clock.now() - own, this.#clock.now() - world);
      this.#watchClock(process);
    }, CLOCK_LOOK_MS);
  }

  #begin(fault: Fault): void {
    this.#note(fault.atMs);
    this.#faultCounts[fault.kind] = (this.#faultCounts[fault.kind] ?? 0) + 1;
    this.#mustSettle = true;
    switch (fault.kind) {
      case 'crash-node':
        this.#crashNode(fault.durationMs);
        break;
      case 'checkpoint-damaged':
        damageNewest(
          this.#checkpointDisk,
          damageKinds[Math.floor(fault.durationMs) % damageKinds.length]!,
          fault.durationMs % 1,
        );
        this.#crashNode(fault.durationMs);
        break;
      case 'crash-recovery':
        this.#crashRecovery(fault.durationMs);
        break;
      case 'reload':
      case 'reload-crash':
        this.#reload(fault.target);
        if (fault.kind === 'reload-crash')
          this.#clock.setTimeout(() => this.#crashNode(fault.durationMs), RELOAD_CRASH_MS);
        break;
      case 'crash-producer':
        this.#crash(this.#producerProcesses[fault.target]!, fault.durationMs, () => this.#startProducer(fault.target));
        break;
      case 'crash-origin':
        this.#crash(this.#originProcess!, fault.durationMs, () => this.#startOrigin());
        break;
      case 'pause-node':
        this.#pause(this.#node!.process, fault.durationMs);
        break;
      case 'clock-step':
        this.#wallOf(
          fault.target === -1 ? 'node' : fault.target === -2 ? 'origin' : `producer-${fault.target}`,
        ).offsetMs += fault.stepMs!;
        break;
      case 'pause-producer':
        this.#pause(this.#producerProcesses[fault.target]!, fault.durationMs);
        break;
      default:
        this.#change(fault, 1);
        this.#clock.setTimeout(() => this.#change(fault, -1), fault.durationMs);
    }
  }

  #crashNode(durationMs: number): void {
    const node = this.#node!;
    if (!node.process.isAlive) return;
    node.crash();
    this.#clock.setTimeout(() => this.#startNode(), RESTART_MS + durationMs / 4);
  }

  /** The next life takes long to read what there is, and dies meanwhile; the one after it takes as long. */
  #crashRecovery(readMs: number): void {
    this.#weather.readMs = readMs;
    this.#crashNode(0);
    this.#clock.setTimeout(() => this.#crashNode(0), RESTART_MS + readMs * 1.5);
    this.#clock.setTimeout(
      () => {
        this.#weather.readMs = 0;
      },
      2 * RESTART_MS + readMs * 4,
    );
  }

  /** Which settings, by the bits of `target`: half or all of the queue, checkpoints often or as they were, a row or many a turn. */
  #reload(target: number): void {
    const settings = this.#settings;
    settings.queueBytesMax = target & 1 ? QUEUE_BYTES_MAX : QUEUE_BYTES_MAX / 2;
    settings.checkpointEveryMs = this.#scenario.checkpointEveryMs / (target & 2 ? 1 : 4);
    settings.rowsPerTurn = target & 4 ? ROWS_PER_TURN : 1;
    if (this.#node!.process.isAlive) this.#node!.reload();
  }

  #crash(process: PlaceProcess, durationMs: number, restart: () => void): void {
    if (!process.isAlive) return;
    process.kill();
    this.#clock.setTimeout(restart, RESTART_MS + durationMs / 4);
  }

  #pause(process: PlaceProcess, durationMs: number): void {
    if (!process.isAlive || process.isPaused) return;
    process.pause();
    this.#clock.setTimeout(() => {
      this.#mustSettle = true;
      process.resume();
    }, durationMs);
  }

  /** Faults of one kind may overlap: the last to end ends it. */
  #change(fault: Fault, by: 1 | -1): void {
    const key = fault.kind.startsWith('partition') ? `${fault.kind} ${fault.target}` : fault.kind;
    this.#lasting.set(key, (this.#lasting.get(key) ?? 0) + by);
    const lasts = (kind: string): boolean => (this.#lasting.get(kind) ?? 0) > 0;
    this.#weather.isFailing = lasts('disk-fails');
    this.#weather.slowMs = lasts('disk-slow') ? 1500 : 0;
    this.#logDisk.isFull = lasts('disk-full');
    this.#checkpointDisk.isFull = lasts('disk-full');
    const { network } = this.#scenario;
    this.#network.configure(
      lasts('storm') ? { ...network, delayMaxMs: network.delayMaxMs + 400, loss: 0.3, duplication: 0.2 } : network,
    );
    this.#network.heal();
    this.#producers.forEach(({ place }, i) => {
      if (lasts(`partition ${i}`)) this.#network.partition(place, 'node');
      if (lasts(`partition-one-way ${i}`)) this.#network.partition('node', place, true);
    });
  }

  #note(value: number): void {
    this.#trace =
      (Math.imul(this.#trace ^ Math.round(value * 16), 0x9e37_79b1) + Math.round(this.#clock.now() * 16)) >>> 0;
  }
}
