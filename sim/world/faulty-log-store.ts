/** A log on a disk that takes time, fails and fills up; what was under way at a crash is there or not, as chance has it. */

import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { LogAppend, LogEntry, LogFacts, LogReceipt, LogStore } from '../../engine/state/log-store.ts';

/** What the disk of the simulated node does at present; it outlives the node's process. */
export interface DiskWeather {
  isFailing: boolean;
  /** Added to each write, in ms. */
  slowMs: number;
  /** What a start takes to read a checkpoint, and then the log, in ms. */
  readMs: number;
}

/** Waits as long as the disk takes to begin to give. */
export async function readingTime(clock: Clock, { readMs }: DiskWeather): Promise<void> {
  if (readMs > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, readMs));
}

/** Told of everything that became durable. */
export type OnDurable = (appends: readonly LogAppend[], receipts: readonly LogReceipt[]) => void;

export class FaultyLogStore implements LogStore {
  readonly #inner: LogStore;
  readonly #clock: Clock;
  readonly #weather: DiskWeather;
  readonly #random: RandomSource;
  readonly #onDurable: OnDurable;
  #underWay: readonly LogAppend[] | null = null;

  constructor(options: {
    readonly inner: LogStore;
    readonly clock: Clock;
    readonly weather: DiskWeather;
    readonly random: RandomSource;
    readonly onDurable: OnDurable;
  }) {
    this.#inner = options.inner;
    this.#clock = options.clock;
    this.#weather = options.weather;
    this.#random = options.random;
    this.#onDurable = options.onDurable;
  }

  get facts(): LogFacts {
    return this.#inner.facts;
  }

  append(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]> {
    this.#underWay = appends;
    const delayMs = 1 + this.#random.next() * 6 + this.#weather.slowMs;
    return new Promise((resolve, reject) => {
      this.#clock.setTimeout(() => {
        this.#underWay = null;
        if (this.#weather.isFailing)
          reject(new AnteroomError('io', 'log: the disk does not write', { isRetryable: true }));
        else this.#write(appends).then(resolve, reject);
      }, delayMs);
    });
  }

  probe(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#clock.setTimeout(
        () => {
          if (this.#weather.isFailing) reject(new AnteroomError('io', 'log: the disk does not write'));
          else this.#inner.probe(bytes).then(resolve, reject);
        },
        1 + this.#random.next() * 6 + this.#weather.slowMs,
      );
    });
  }

  async *read(position: number): AsyncGenerator<LogEntry> {
    await readingTime(this.#clock, this.#weather);
    yield* this.#inner.read(position);
  }

  trim(position: number): Promise<void> {
    return this.#inner.trim(position);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** The process dies: an append that was under way is whole on the disk, or not there. */
  crash(): void {
    const appends = this.#underWay;
    this.#underWay = null;
    if (appends === null || this.#weather.isFailing || this.#random.next() < 0.5) return;
    this.#write(appends).catch(() => {});
  }

  async #write(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]> {
    const receipts = await this.#inner.append(appends);
    this.#onDurable(appends, receipts);
    return receipts;
  }
}
