/** A source that reads from a broker: connects, takes, acknowledges, and tries again with back-off when anything of it fails. */

import { type BackOffConfig, backOffMs } from '../../../engine/back-off.ts';
import type { Clock, TimerId } from '../../../engine/clock.ts';
import { withDeadline } from '../../../engine/deadline.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import type { RereadKeys } from '../../../engine/host/key-folder.ts';
import type { RandomSource } from '../../../engine/random.ts';
import type { Broker, BrokerConnection, BrokerMessage, FetchLimits, Settled } from './broker.ts';
import type { LanePlaces } from './lane-places.ts';
import type { RedriveEnd } from './letter-desk.ts';
import type { MessageDesk } from './message-desk.ts';
import type { Source, SourceState, SourceStatus } from './source.ts';
import type { SourceLetter } from './source-letters.ts';

export interface BrokerSourceOptions {
  readonly name: string;
  readonly type: string;
  readonly broker: Broker;
  readonly desk: MessageDesk;
  readonly places: LanePlaces;
  readonly limits: FetchLimits;
  /** How long a connect, a fetch beyond its wait, or an acknowledgement may take. */
  readonly timeoutMs: number;
  /** How often the broker is told that we live while there is no room. */
  readonly keepAliveMs: number;
  readonly backOff: BackOffConfig;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Resolves when so many bytes may be taken, or after a while; false = there is no room yet. */
  readonly whenRoom: (bytes: number, waitMs: number) => Promise<boolean>;
  /** Who was refused so far, by reason, and the latest; absent = its broker says who may speak. */
  readonly refusals?: () => Pick<SourceStatus, 'refused' | 'latestRefused'>;
  /** Told of each change. */
  readonly onChange: (status: SourceStatus) => void;
}

/** Errors that trying again cannot mend. It is tried again all the same, at the longest wait: somebody may mend them outside. */
const lasting: ReadonlySet<string> = new Set(['missing-library', 'bad-config', 'unsupported']);

/**
 * One loop: room, fetch, append, acknowledge. Because the next fetch waits for all of it, a full node slows the broker's consumer and
 * nothing is dropped. What could not be appended is kept and tried again before anything else.
 */
export class BrokerSource implements Source {
  readonly name: string;
  readonly #options: BrokerSourceOptions;
  #state: SourceState = 'idle';
  #trouble: string | null = null;
  #isStopping = false;
  #isPaused = false;
  #running: Promise<void> | null = null;
  #connection: BrokerConnection | null = null;
  #wake: (() => void) | null = null;
  #counts = { messages: 0, accesses: 0, duplicates: 0, bad: 0, acknowledged: 0, redriven: 0, failures: 0, pauses: 0 };

  constructor(options: BrokerSourceOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get status(): SourceStatus {
    return {
      name: this.name,
      type: this.#options.type,
      state: this.#state,
      trouble: this.#trouble,
      counts: { ...this.#counts, deadLettersDropped: this.#options.desk.lettersDropped },
      positions: this.#options.places.positions,
      ...(this.#options.refusals?.() ?? { refused: {}, latestRefused: null }),
    };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake?.();
    await this.#running;
    this.#enter('stopped', this.#trouble);
  }

  async redrive(letter: SourceLetter): Promise<RedriveEnd> {
    const end = await this.#options.desk.redrive(letter);
    if (end.kind === 'taken') {
      this.#counts.redriven++;
      this.#counts.accesses += end.accesses;
    }
    return end;
  }

  get rereadKeys(): RereadKeys | undefined {
    const { rereadKeys } = this.#options.broker;
    if (rereadKeys === undefined) return undefined;
    return async () => {
      const put = await rereadKeys();
      return () => {
        const isOther = put();
        // One that could not listen for its keys waits longest.
        if (isOther) this.#wake?.();
        return isOther;
      };
    };
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#isStopping) {
      if (this.#state !== 'degraded') this.#enter('connecting', null);
      try {
        this.#options.desk.reset();
        this.#connection = await this.#connect();
        // A connection that works has fetched at least once: one that breaks at once is not the end of the trouble.
        await this.#work(this.#connection, () => {
          attempt = 0;
          this.#enter('running', null);
        });
        if (this.#state === 'halted') break;
        await this.#close();
      } catch (error) {
        this.#counts.failures++;
        this.#enter('degraded', reasonOf(error));
        await this.#close();
        const isLasting = error instanceof AnteroomError && lasting.has(error.code);
        await this.#backOff(isLasting ? 63 : attempt++);
      }
    }
    await this.#close();
    await this.#options.places.flush().catch(() => {});
  }

  async #connect(): Promise<BrokerConnection> {
    const { broker, places, clock, timeoutMs } = this.#options;
    const connecting = broker.connect(places);
    try {
      return await withDeadline(clock, timeoutMs, 'connect', connecting);
    } catch (error) {
      // One that comes too late is not wanted any more.
      connecting.then((late) => late.close()).catch(() => {});
      throw error;
    }
  }

  async #work(connection: BrokerConnection, works: () => void): Promise<void> {
    const { clock, limits, timeoutMs, places } = this.#options;
    while (!this.#isStopping && connection.isOver !== true) {
      if (!(await this.#hasRoom(connection))) continue;
      const fetching = connection.next(limits);
      const messages = await withDeadline(clock, limits.waitMs + timeoutMs, 'fetch', fetching);
      works();
      if (messages.length === 0) {
        await places.flush();
        continue;
      }
      this.#counts.messages += messages.length;
      const halt = await this.#take(connection, messages);
      if (halt !== null) {
        await places.flush();
        this.#enter('halted', halt);
        return;
      }
    }
  }

  /** Takes and settles; what the log cannot take now is tried again with back-off. Returns why it must halt, or null. */
  async #take(connection: BrokerConnection, messages: readonly BrokerMessage[]): Promise<string | null> {
    let left = messages;
    for (let attempt = 0; ; attempt++) {
      const end = await this.#options.desk.take(left);
      await this.#settle(connection, end.settled);
      if (end.halt !== null) return end.halt;
      if (end.left === null) {
        this.#enter('running', null);
        return null;
      }
      this.#enter('degraded', reasonOf(end.left.error));
      left = end.left.messages;
      await this.#backOff(attempt);
      if (this.#isStopping) return null;
      await this.#keepAlive(connection);
    }
  }

  async #settle(connection: BrokerConnection, settled: readonly Settled[]): Promise<void> {
    for (const { end, accesses } of settled) {
      this.#counts.accesses += accesses;
      if (end === 'duplicate') this.#counts.duplicates++;
      else if (end === 'refused' || end === 'dead-letter') this.#counts.bad++;
    }
    if (settled.length === 0) return;
    const { clock, timeoutMs } = this.#options;
    await withDeadline(clock, timeoutMs, 'acknowledge', connection.settle(settled));
    this.#counts.acknowledged += settled.length;
  }

  /** False = it was waited for in vain, or paused; to be asked again. */
  async #hasRoom(connection: BrokerConnection): Promise<boolean> {
    const { whenRoom, limits, keepAliveMs } = this.#options;
    if (!this.#isPaused && (await whenRoom(limits.bytesMax, 0))) return true;
    if (this.#state !== 'paused') {
      this.#counts.pauses++;
      this.#enter('paused', null);
    }
    await this.#options.places.flush();
    await this.#keepAlive(connection);
    if (this.#isPaused) await this.#sleep(keepAliveMs);
    else if (await whenRoom(limits.bytesMax, keepAliveMs)) {
      this.#enter('running', null);
      return !this.#isStopping && !this.#isPaused;
    }
    return false;
  }

  async #keepAlive(connection: BrokerConnection): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    await withDeadline(clock, timeoutMs, 'keep alive', connection.keepAlive());
  }

  async #backOff(attempt: number): Promise<void> {
    const { backOff, random } = this.#options;
    if (!this.#isStopping) await this.#sleep(backOffMs(attempt, backOff, random));
  }

  /** Until the time is over, or somebody calls. */
  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#options;
    let timer: TimerId = 0;
    await new Promise<void>((settle) => {
      this.#wake = settle;
      timer = clock.setTimeout(settle, ms);
    });
    clock.clearTimeout(timer);
    this.#wake = null;
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    const { clock, timeoutMs } = this.#options;
    await withDeadline(clock, timeoutMs, 'close', connection.close()).catch(() => {});
  }

  #enter(state: SourceState, trouble: string | null): void {
    if (this.#state === state && this.#trouble === trouble) return;
    this.#state = state;
    this.#trouble = trouble;
    this.#options.onChange(this.status);
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === '' ? 'the connection failed' : message.slice(0, 300);
}
