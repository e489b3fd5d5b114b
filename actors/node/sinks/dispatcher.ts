/** Takes the engine's prefetch requests to the sinks: with retries, a bound on what waits, and dead letters for what failed. */

import { backOffMs } from '../../../engine/back-off.ts';
import type { Clock } from '../../../engine/clock.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import type { RandomSource } from '../../../engine/random.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';
import type { PrefetchRequest } from '../../engine/prefetch-desk.ts';
import type { PrefetchAnswer } from '../log-frame.ts';
import type { NodeConfig } from '../node-config.ts';
import type { Tracing } from '../tracing.ts';
import type { DeliveryEnd, OutgoingRequest, Sink } from './sink.ts';

/** A request that a sink could not be given. */
export interface DeadLetter {
  readonly key: string;
  readonly sink: string;
  readonly why: string;
  readonly attempts: number;
  readonly atMs: number;
  readonly request: OutgoingRequest;
}

export interface DispatcherOptions {
  readonly node: string;
  readonly sinks: readonly Sink[];
  readonly letters: RecordStore;
  readonly config: NodeConfig['delivery'];
  readonly concurrencyMax: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Told how each request ended. */
  readonly onAnswer: (answer: PrefetchAnswer) => void;
  /** A sink fails (why) or works again (null). */
  readonly onSink: (name: string, why: string | null) => void;
  /** Null or absent = nothing is traced. */
  readonly tracing?: Tracing | null;
}

export interface DispatcherCounts {
  readonly open: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly retries: number;
  /** Requests dropped because `waitingMax` waited. */
  readonly overflowed: number;
  readonly cancelled: number;
  readonly deadLetters: number;
  /** Dead letters that a redrive has delivered. */
  readonly redriven: number;
  readonly deadLettersDropped: number;
}

const PREFIX = 'dlq/';

/**
 * Delivery is at least once: a request that was open when the process ended is handed out again with the same key. Nothing is sent
 * before `begin`, so that a replay of the log, which asks for what was asked for before, sends only what is still open at its end.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** By segment: the engine has one request open for each. */
  readonly #open = new Map<string, { readonly request: PrefetchRequest; isSent: boolean; isCancelled: boolean }>();
  readonly #segmentOf = new Map<number, string>();
  #isBegun = false;
  #isEnded = false;
  #inFlight = 0;
  #sequence = 0;
  #letterCount: number;
  #counts = { delivered: 0, failed: 0, retries: 0, overflowed: 0, cancelled: 0, deadLettersDropped: 0, redriven: 0 };
  #idleWaiters: (() => void)[] = [];
  readonly #backedOff = new Set<() => void>();
  /** By sink: requests whose latest try failed and that will be tried again. */
  readonly #failing = new Map<string, number>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    // The store holds other records too, and letters of another start.
    this.#letterCount = options.letters.list(PREFIX, Number.MAX_SAFE_INTEGER).length;
  }

  get counts(): DispatcherCounts {
    return {
      ...this.#counts,
      open: this.#open.size,
      waiting: this.#open.size - this.#inFlight,
      deadLetters: this.#letterCount,
    };
  }

  /** The open requests, the oldest first. */
  open(limit: number): readonly OutgoingRequest[] {
    return [...this.#open.values()].slice(0, limit).map(({ request }) => this.#outgoing(request));
  }

  /** Whether the open request for a segment was given to the sinks, or still waits for one of the slots. */
  isSent(segment: string): boolean {
    return this.#open.get(segment)?.isSent ?? false;
  }

  /** The open request for a segment, once: an answer ends it. */
  take(segment: string): { readonly id: number; readonly timeMs: number } | null {
    const open = this.#open.get(segment);
    if (open === undefined) return null;
    this.#open.delete(segment);
    this.#segmentOf.delete(open.request.id);
    return { id: open.request.id, timeMs: open.request.timeMs };
  }

  offer(request: PrefetchRequest): void {
    const before = this.#open.get(request.name);
    if (before !== undefined) this.#segmentOf.delete(before.request.id);
    // A request that takes the place of one being fetched is answered by that fetch.
    this.#open.set(request.name, { request, isSent: before?.isSent ?? false, isCancelled: false });
    this.#segmentOf.set(request.id, request.name);
    this.#pump();
  }

  /** Nobody waits for it any more. One that was sent already is let go on. */
  cancel(id: number): void {
    const segment = this.#segmentOf.get(id);
    if (segment === undefined) return;
    this.#counts.cancelled++;
    this.#segmentOf.delete(id);
    this.#open.delete(segment);
  }

  /** Reads keys of sinks again; what it resolves to puts them in force and names whose are different. @throws AnteroomError as `RereadKeys`. */
  async rereadKeys(): Promise<() => readonly string[]> {
    const { sinks } = this.#options;
    const adopt = await Promise.all(sinks.map(async ({ rereadKeys }) => (await rereadKeys?.()) ?? null));
    return () => adopt.flatMap((put, i) => (put?.() === true ? [`sinks[${i}].keysFolder`] : []));
  }

  /** From now on requests are sent. */
  begin(): void {
    this.#isBegun = true;
    this.#pump();
  }

  /** Sends nothing until `begin` and forgets what is open: the engine is told its log again and asks for it again, under the same keys. */
  pause(): void {
    this.#isBegun = false;
    this.#open.clear();
    this.#segmentOf.clear();
  }

  /** Sends nothing more, and resolves when what is under way has ended and the sinks are closed. */
  async end(): Promise<void> {
    this.#isEnded = true;
    // Who waits to try again has its last try now.
    for (const wake of [...this.#backedOff]) wake();
    if (this.#inFlight > 0) await new Promise<void>((settle) => this.#idleWaiters.push(settle));
    await Promise.all(this.#options.sinks.map((sink) => sink.close?.()));
  }

  deadLetters(limit: number): readonly DeadLetter[] {
    return this.#options.letters.list(PREFIX, limit).map(({ value }) => JSON.parse(value) as DeadLetter);
  }

  /** Tries dead letters once more, all or those named. Those that succeed are removed; returns how each went. */
  async redrive(
    keys: readonly string[] | null,
    limit: number,
  ): Promise<readonly { readonly key: string; readonly sink: string; readonly end: DeliveryEnd }[]> {
    const ends: { key: string; sink: string; end: DeliveryEnd }[] = [];
    for (const { key: at, value } of this.#options.letters.list(PREFIX, limit)) {
      const letter = JSON.parse(value) as DeadLetter;
      if (keys !== null && !keys.includes(letter.key)) continue;
      const sink = this.#options.sinks.find(({ name }) => name === letter.sink);
      const end: DeliveryEnd =
        sink === undefined
          ? { kind: 'failed', why: `there is no sink ${letter.sink} any more`, isRetryable: false }
          : await sink.deliver(letter.request);
      if (end.kind === 'done') {
        this.#works(letter.sink);
        if (await this.#remove(at)) this.#counts.redriven++;
      } else if (sink !== undefined) this.#options.onSink(letter.sink, end.why);
      ends.push({ key: letter.key, sink: letter.sink, end });
    }
    return ends;
  }

  #pump(): void {
    if (!this.#isBegun || this.#isEnded) return;
    const { concurrencyMax, config } = this.#options;
    for (const open of this.#open.values()) {
      if (this.#inFlight >= concurrencyMax) break;
      if (open.isSent) continue;
      open.isSent = true;
      void this.#send(open.request);
    }
    let waiting = [...this.#open.values()].filter(({ isSent }) => !isSent);
    while (waiting.length > config.waitingMax) {
      const oldest = waiting[0]!;
      waiting = waiting.slice(1);
      oldest.isSent = true;
      this.#counts.overflowed++;
      this.#options.onAnswer({ segment: oldest.request.name, isLanded: false, sizeBytes: -1, durationMs: 0 });
    }
  }

  async #send(request: PrefetchRequest): Promise<void> {
    this.#inFlight++;
    const { clock, sinks, onAnswer } = this.#options;
    const startedMs = clock.now();
    const span = this.#options.tracing?.deliver(request) ?? null;
    const outgoing = { ...this.#outgoing(request), ...span?.trace };
    try {
      const ends = await Promise.all(sinks.map((sink) => this.#deliver(sink, outgoing)));
      const isLanded = ends.every((end) => end.kind === 'done');
      span?.end(isLanded ? null : 'a sink could not be given it');
      this.#counts[isLanded ? 'delivered' : 'failed']++;
      const sizeBytes = Math.max(-1, ...ends.map((end) => (end.kind === 'done' ? end.sizeBytes : -1)));
      onAnswer({ segment: request.name, isLanded, sizeBytes, durationMs: clock.now() - startedMs });
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) for (const settle of this.#idleWaiters.splice(0)) settle();
      this.#pump();
    }
  }

  async #deliver(sink: Sink, request: OutgoingRequest): Promise<DeliveryEnd> {
    const { config, clock, random, onSink } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const end = await sink.deliver(request);
      if (attempt > 0) this.#failing.set(sink.name, this.#failing.get(sink.name)! - 1);
      if (end.kind === 'done') {
        this.#works(sink.name);
        return end;
      }
      onSink(sink.name, end.why);
      const isLast = !end.isRetryable || attempt + 1 >= config.attemptsMax || this.#isEnded;
      if (isLast) {
        await this.#bury(sink.name, request, end.why, attempt + 1);
        return end;
      }
      this.#counts.retries++;
      this.#failing.set(sink.name, (this.#failing.get(sink.name) ?? 0) + 1);
      await this.#wait(clock, backOffMs(attempt, config.backOff, random));
    }
  }

  /** A sink took a request: its trouble is over once nothing is left that it failed to take. */
  #works(sink: string): void {
    if ((this.#failing.get(sink) ?? 0) === 0) this.#options.onSink(sink, null);
  }

  async #wait(clock: Clock, ms: number): Promise<void> {
    let wake = (): void => {};
    const waiting = new Promise<void>((settle) => {
      wake = settle;
    });
    this.#backedOff.add(wake);
    const timer = clock.setTimeout(wake, ms);
    await waiting;
    clock.clearTimeout(timer);
    this.#backedOff.delete(wake);
  }

  async #bury(sink: string, request: OutgoingRequest, why: string, attempts: number): Promise<void> {
    const { letters, clock, config } = this.#options;
    const atMs = Math.round(clock.now());
    const letter: DeadLetter = { key: request.key, sink, why, attempts, atMs, request };
    try {
      await letters.put(
        `${PREFIX}${String(atMs).padStart(15, '0')}-${String(this.#sequence++).padStart(9, '0')}`,
        JSON.stringify(letter),
      );
      this.#letterCount++;
      while (this.#letterCount > config.deadLettersMax) {
        await this.#remove(letters.list(PREFIX, 1)[0]!.key);
        this.#counts.deadLettersDropped++;
      }
    } catch (error) {
      if (!(error instanceof AnteroomError)) throw error;
      this.#counts.deadLettersDropped++;
    }
  }

  /** False = it is gone already: two redrives at a time may both have delivered it. */
  async #remove(at: string): Promise<boolean> {
    if (this.#options.letters.get(at) === null) return false;
    this.#letterCount--;
    try {
      await this.#options.letters.remove(at);
      return true;
    } catch (error) {
      this.#letterCount++;
      throw error;
    }
  }

  #outgoing(request: PrefetchRequest): OutgoingRequest {
    const { node } = this.#options;
    return {
      key: `${node}:${request.position}:${request.name}`,
      node,
      segment: request.name,
      consumer: request.consumer,
      sizeBytes: request.sizeBytes,
      probability: request.probability,
      expert: request.expert,
      reason: reasonOf(request),
      decidedAtMs: request.timeMs,
      position: request.position,
      deadlineMs: request.deadlineMs,
    };
  }
}

/** Why a request was made, in a sentence. */
function reasonOf({ expert, probability, consumer }: PrefetchRequest): string {
  const whose = consumer === null ? '' : ` after an access of ${consumer}`;
  const how = probability === null ? '' : ` with probability ${probability.toFixed(2)}`;
  return `${expert ?? 'the engine'} expects it to be asked for${how}${whose}`;
}
