/** What a source needs of a node, for tests of sources alone: a log and records that outlive it, and faults on demand. */

import { decodeFrame } from '../../actors/node/log-frame.ts';
import { type ParsedPost, type PostOptions, parsePost } from '../../actors/node/parse-post.ts';
import { makeSource } from '../../actors/node/sources/make-source.ts';
import type { Source, SourceStatus } from '../../actors/node/sources/source.ts';
import { sourceItemSchema } from '../../actors/node/sources/source-config.ts';
import { SourceLetters } from '../../actors/node/sources/source-letters.ts';
import { parseConfig } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import type { LogFrame, LogOrigin, LogReceipt } from '../../engine/state/log-store.ts';
import { logStoreSchema } from '../../engine/state/log-store-config.ts';
import { MemoryDisk, MemoryLogStore } from '../../engine/state/memory-log-store.ts';
import { MemoryRecordStore } from '../../engine/state/record-store.ts';
import { type Tails, tailSource } from './tail-source.ts';

export const clock = new RealClock();

export class SourceHost {
  readonly records = new MemoryRecordStore();
  readonly letters = new SourceLetters({ records: this.records, lettersMax: 100, letterBytesMax: 1000 });
  readonly changes: SourceStatus[] = [];
  readonly bad: string[] = [];
  readonly notes: object[] = [];
  /** What happens at an append: nothing is kept, or it is kept and the answer is lost, as in a crash right after it. */
  fault: 'none' | 'disk-full' | 'lost-answer' = 'none';
  hasRoom = true;
  appends = 0;
  #gate: Promise<void> = Promise.resolve();
  #release = (): void => {};
  readonly #disk = new MemoryDisk();
  #log = new MemoryLogStore({ config: parseConfig(logStoreSchema, {}), disk: this.#disk });
  #tail: Promise<unknown> = Promise.resolve();

  /** A source with its settings, on what an earlier one has left. */
  open(settings: object): Source {
    const config = parseConfig(sourceItemSchema, settings);
    return makeSource(config, {
      ...this.parts(),
      parse: (bytes, format, consumers) => this.#parse(bytes, format, { consumers }),
      letters: this.letters,
      random: new Xoshiro128(1),
      onChange: (status) => this.changes.push(status),
      onBad: (why) => this.bad.push(why),
      onNote: (facts) => this.notes.push(facts),
    });
  }

  /** Followed files behind the same contract. */
  openTail(tails: Tails): Source {
    return tailSource(tails, this);
  }

  parts() {
    return {
      records: this.records,
      clock,
      parse: (bytes: Uint8Array, format: string) => this.#parse(bytes, format, {}),
      parseLenient: (bytes: Uint8Array, format: string) => this.#parse(bytes, format, { isLenient: true }),
      append: (frames: readonly LogFrame[], origin: LogOrigin | null) => this.append(frames, origin),
      whenRoom: async (_bytes: number, waitMs: number) => {
        if (!this.hasRoom && waitMs > 0) await new Promise((done) => setTimeout(done, Math.min(20, waitMs)));
        return this.hasRoom;
      },
    };
  }

  #parse(bytes: Uint8Array, format: string, options: Partial<PostOptions>): Promise<ParsedPost> {
    const bounds = { nowMs: 0, latestMs: 4e12, nameBytesMax: 8192, rowsMax: 100_000, rowsPerFrame: 1000 };
    return parsePost(bytes, { format, isLenient: false, ...bounds, ...options });
  }

  /** Appends wait from now on, until `release`. */
  hold(): void {
    this.#gate = new Promise((settle) => {
      this.#release = settle;
    });
  }

  release(): void {
    this.#release();
  }

  append(frames: readonly LogFrame[], origin: LogOrigin | null): Promise<LogReceipt> {
    const appended = this.#tail.then(async () => {
      this.appends++;
      await this.#gate;
      if (this.fault === 'disk-full') throw new AnteroomError('disk-full', 'the disk is full', { isRetryable: true });
      const [receipt] = await this.#log.append([{ origin, frames }]);
      if (this.fault === 'lost-answer') throw new AnteroomError('io', 'the answer was lost');
      return receipt!;
    });
    this.#tail = appended.catch(() => {});
    return appended;
  }

  /** Names of the segments in the log, in its order. */
  async segments(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const entry of this.#log.read(0)) {
      const frame = await decodeFrame(entry.bytes);
      if (frame.kind !== 'accesses') continue;
      for (const batch of frame.batches) for (const id of batch.segment) names.push(frame.names.segments.nameOf(id));
    }
    return names;
  }
}

/** Waits for what a server does in its own time; fails with what was found last. */
export async function until(holds: () => unknown, what: string, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await holds()) return;
    if (performance.now() > end) throw new Error(`not in ${withinMs} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
