/** From parsed posts to the log to the engine: one append under way at a time, one entry told at a time, everything bounded. */

import { AnteroomError } from '../../engine/errors.ts';
import type { LogAppend, LogEntry, LogFrame, LogReceipt, LogStore } from '../../engine/state/log-store.ts';

export interface IntakeOptions {
  readonly log: LogStore;
  /** Tells the engine; rejects when the engine cannot go on. */
  readonly apply: (entry: LogEntry) => Promise<void>;
  readonly queueBytesMax: number;
  readonly postsMax: number;
  /** Appends failed, or succeed again (null). */
  readonly onLog: (error: AnteroomError | null) => void;
  /** The engine failed: nothing is told any more. */
  readonly onEngine: (error: unknown) => void;
  readonly now: () => number;
}

/** What was taken and refused since the start. */
export interface IntakeCounts {
  readonly appended: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly throttled: number;
  readonly failed: number;
}

/** Appends in one commit: what waited meanwhile goes with the next one. */
const APPENDS_PER_COMMIT = 64;
/** What a probe of the log writes: more than a small post, so that a disk without room shows. */
const PROBE_BYTES = 65_536;

interface Waiting {
  readonly append: LogAppend;
  readonly bytes: number;
  readonly settle: (receipt: LogReceipt) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * An access is acknowledged when it is in the log, and told to the engine after that, in the order of the log. What has been admitted and
 * is not told yet is bounded in bytes: beyond that `admit` refuses, so that a caller can be asked to come back.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #waiting: Waiting[] = [];
  #entries: LogEntry[] = [];
  #pendingBytes = 0;
  #postCount = 0;
  #isAppending = false;
  #isTelling = false;
  #isEngineDown = false;
  #idleWaiters: (() => void)[] = [];
  #postsWaiters: (() => void)[] = [];
  readonly #roomWaiters = new Set<{ readonly bytes: number; readonly settle: () => void }>();
  readonly #betweens: (() => void)[] = [];
  #toldUntil = 0;
  #counts = { appended: 0, duplicates: 0, refused: 0, throttled: 0, failed: 0 };
  /** Smoothed bytes told a second, for Retry-After. */
  #bytesPerSecond = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#toldUntil = options.log.facts.end;
  }

  get counts(): IntakeCounts {
    return { ...this.#counts };
  }

  /** Bytes admitted and not told to the engine yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Posts that were admitted and have not been released. */
  get postCount(): number {
    return this.#postCount;
  }

  /** Log position up to which the engine has been told. */
  get toldUntil(): number {
    return this.#toldUntil;
  }

  /**
   * Takes room for a post of `bytes`. Null = come back later. A post larger than the whole queue is taken when nothing else waits.
   * The room is given back by `release`, or goes on with its append.
   */
  admit(bytes: number): { release(): void } | null {
    const { queueBytesMax, postsMax } = this.#options;
    const isFull = this.#pendingBytes > 0 && this.#pendingBytes + bytes > queueBytesMax;
    if (isFull || this.#postCount >= postsMax) {
      this.#counts.throttled++;
      return null;
    }
    this.#pendingBytes += bytes;
    this.#postCount++;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#free(bytes);
        this.#postCount--;
        if (this.#postCount === 0) for (const settle of this.#postsWaiters.splice(0)) settle();
      },
    };
  }

  /** Whether so many bytes may be taken now; more than the whole queue holds when nothing else waits. */
  hasRoom(bytes: number): boolean {
    return this.#pendingBytes === 0 || this.#pendingBytes + bytes <= this.#options.queueBytesMax;
  }

  /** Calls once when there is room for so many bytes; returns what forgets it. */
  whenRoom(bytes: number, settle: () => void): () => void {
    const waiter = { bytes, settle };
    this.#roomWaiters.add(waiter);
    return () => void this.#roomWaiters.delete(waiter);
  }

  /** Seconds after which there may be room again, 1 to 60. */
  get retryAfterSeconds(): number {
    const seconds = this.#bytesPerSecond > 0 ? this.#pendingBytes / 2 / this.#bytesPerSecond : 1;
    return Math.min(60, Math.max(1, Math.ceil(seconds)));
  }

  /** Resolves when the frames are durable. @throws AnteroomError as the log does: then nothing was kept. */
  append(append: LogAppend): Promise<LogReceipt> {
    const bytes = append.frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
    this.#pendingBytes += bytes;
    return new Promise((settle, fail) => {
      this.#waiting.push({ append, bytes, settle, fail });
      void this.#appendAll();
    });
  }

  /**
   * Asks the log whether an append would succeed, and tells `onLog` what it says. Does nothing while an append is under way, which
   * tells as much. Never rejects.
   */
  async probe(): Promise<void> {
    if (this.#isAppending) return;
    this.#isAppending = true;
    try {
      await this.#options.log.probe(PROBE_BYTES);
      this.#options.onLog(null);
    } catch (error) {
      this.#options.onLog(error instanceof AnteroomError ? error : new AnteroomError('io', String(error)));
    } finally {
      this.#isAppending = false;
      this.#checkIdle();
    }
    void this.#appendAll();
  }

  /** Calls `work` as soon as no entry is half told; what it reads before it waits belongs to the position `toldUntil`. */
  between<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isTelling) return work();
    return new Promise<T>((settle, fail) => {
      this.#betweens.push(() => work().then(settle, fail));
    });
  }

  /** Whether the engine is told nothing now, so that what it is belongs to no position. */
  get isSuspended(): boolean {
    return this.#isEngineDown;
  }

  /** From now on nothing is told: what is appended meanwhile is in the log, for whoever revives it. */
  suspend(): void {
    this.#isEngineDown = true;
  }

  /** The engine goes on, told from elsewhere of everything before `toldUntil`. */
  revive(toldUntil: number): void {
    this.#toldUntil = toldUntil;
    this.#isEngineDown = false;
  }

  /** Resolves when no post is under way: each was answered, or given up by who sent it. */
  postsEnded(): Promise<void> {
    if (this.#postCount === 0) return Promise.resolve();
    return new Promise((settle) => this.#postsWaiters.push(settle));
  }

  /** Resolves when everything appended so far has been told, or can never be. */
  idle(): Promise<void> {
    return new Promise((settle) => {
      this.#idleWaiters.push(settle);
      this.#checkIdle();
    });
  }

  async #appendAll(): Promise<void> {
    if (this.#isAppending) return;
    this.#isAppending = true;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0, APPENDS_PER_COMMIT);
        await this.#appendSome(batch);
      }
    } finally {
      this.#isAppending = false;
      this.#checkIdle();
    }
  }

  async #appendSome(batch: readonly Waiting[]): Promise<void> {
    let receipts: readonly LogReceipt[];
    try {
      receipts = await this.#options.log.append(batch.map(({ append }) => append));
    } catch (error) {
      this.#counts.failed += batch.length;
      const isFault = error instanceof AnteroomError && error.code !== 'bad-usage';
      if (isFault) this.#options.onLog(error);
      for (const { bytes, fail } of batch) {
        this.#free(bytes);
        fail(error);
      }
      return;
    }
    this.#options.onLog(null);
    for (const [i, { append, bytes, settle }] of batch.entries()) {
      const receipt = receipts[i]!;
      if (receipt.kind === 'appended') {
        this.#counts.appended++;
        this.#queue(receipt.from, append.frames);
      } else {
        this.#free(bytes);
        if (receipt.kind === 'duplicate') this.#counts.duplicates++;
        else this.#counts.refused++;
      }
      settle(receipt);
    }
  }

  #queue(from: number, frames: readonly LogFrame[]): void {
    let position = from;
    for (const { units, bytes } of frames) {
      this.#entries.push({ position, units, bytes });
      position += units;
    }
    void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#entries.length > 0) {
        const entries = this.#entries;
        this.#entries = [];
        for (const entry of entries) {
          await this.#tell(entry);
          for (const work of this.#betweens.splice(0)) work();
        }
      }
    } finally {
      this.#isTelling = false;
      this.#checkIdle();
    }
  }

  async #tell(entry: LogEntry): Promise<void> {
    const startedMs = this.#options.now();
    // An engine that is down is told nothing: what it missed is in the log, and a restart tells it.
    if (!this.#isEngineDown && entry.position >= this.#toldUntil) {
      try {
        await this.#options.apply(entry);
        this.#toldUntil = entry.position + entry.units;
      } catch (error) {
        this.#isEngineDown = true;
        this.#options.onEngine(error);
      }
    }
    this.#free(entry.bytes.length);
    const seconds = Math.max(1e-3, this.#options.now() - startedMs) / 1000;
    this.#bytesPerSecond += (entry.bytes.length / seconds - this.#bytesPerSecond) / 16;
  }

  #free(bytes: number): void {
    this.#pendingBytes -= bytes;
    for (const waiter of this.#roomWaiters) {
      if (!this.hasRoom(waiter.bytes)) continue;
      this.#roomWaiters.delete(waiter);
      waiter.settle();
    }
  }

  #checkIdle(): void {
    if (this.#isAppending || this.#isTelling || this.#waiting.length > 0 || this.#entries.length > 0) return;
    for (const settle of this.#idleWaiters.splice(0)) settle();
  }
}
