/** Where a node takes accesses from by itself, followed files and brokers, and whether it has room for them. */

import type { Clock, TimerId } from '../../engine/clock.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { NodeStores } from './data-folder.ts';
import type { Intake } from './intake.ts';
import type { NodeConfig } from './node-config.ts';
import type { NodeLogger } from './node-logger.ts';
import type { NodeTroubles } from './node-troubles.ts';
import { type PostOptions, parsePost } from './parse-post.ts';
import type { RedriveEnd } from './sources/letter-desk.ts';
import { makeSource } from './sources/make-source.ts';
import type { Source, SourceStatus } from './sources/source.ts';
import { type SourceLetter, SourceLetters } from './sources/source-letters.ts';
import { Tailer, type TailerCounts } from './tailer.ts';

/** Bytes of a followed file that are taken at once. */
const TAIL_CHUNK_BYTES = 2 ** 20;

export interface NodeInletsOptions {
  readonly config: NodeConfig;
  readonly stores: NodeStores;
  readonly clock: Clock;
  /** The wall clock. */
  readonly wallMs: () => number;
  readonly random: RandomSource;
  readonly logger: NodeLogger;
  readonly troubles: NodeTroubles;
  /** Not asked before `start`. */
  readonly intake: () => Intake;
  /** Whether the node is draining. */
  readonly isEnding: () => boolean;
}

/** What became of a bad message that was tried again. */
export interface RedrivenMessage {
  readonly key: string;
  readonly source: string;
  readonly end: RedriveEnd;
}

/** Nothing is read before `start`, and nothing after `stop`. */
export class NodeInlets {
  readonly #options: NodeInletsOptions;
  readonly #tailer: Tailer;
  readonly #sources: readonly Source[];
  readonly #letters: SourceLetters;

  constructor(options: NodeInletsOptions) {
    this.#options = options;
    const { config, stores, clock, random, logger, troubles, intake } = options;
    this.#tailer = new Tailer({
      tails: config.tail,
      pollMs: config.tailPollMs,
      chunkBytesMax: TAIL_CHUNK_BYTES,
      places: stores.records,
      clock,
      parse: (bytes, format) => parsePost(bytes, this.postOptions({ format, isLenient: true })),
      append: (frames, origin) => intake().append({ origin, frames }),
      hasRoom: (bytes) => this.#hasRoom(bytes),
      onTrouble: (why) => troubles.set('tail', why),
    });
    const { keptMax, bytesMax } = config.badMessages;
    this.#letters = new SourceLetters({ records: stores.records, lettersMax: keptMax, letterBytesMax: bytesMax });
    this.#sources = config.sources.map((source) =>
      makeSource(source, {
        records: stores.records,
        letters: this.#letters,
        clock,
        random: random.fork(`source ${source.name}`),
        parse: (bytes, format, consumers) =>
          parsePost(bytes, this.postOptions({ format, isLenient: false, consumers })),
        append: (frames, origin) => intake().append({ origin, frames }),
        whenRoom: (bytes, waitMs) => this.#whenRoom(bytes, waitMs),
        onChange: (status) => troubles.source(status),
        onBad: (why) => logger.warn({ why }, 'a message is bad'),
        onNote: (facts, message) => logger.info(facts, message),
      }),
    );
  }

  get tailCounts(): TailerCounts {
    return this.#tailer.counts;
  }

  /** Each source, followed files as one. */
  get statuses(): readonly SourceStatus[] {
    return [...(this.#isTailing ? [this.#tailer] : []), ...this.#sources].map(({ status }) => status);
  }

  /** Messages of sources that could not be read and are kept. */
  get badMessageCount(): number {
    return this.#letters.count;
  }

  badMessages(limit: number): readonly SourceLetter[] {
    return this.#letters.list(limit);
  }

  /** Tries messages that a source could not read once more, all or those named, at most `limit` of them. */
  async redriveMessages(keys: readonly string[] | null, limit: number): Promise<readonly RedrivenMessage[]> {
    const wanted = this.#letters.list(keys === null ? limit : this.#options.config.badMessages.keptMax);
    const ends: RedrivenMessage[] = [];
    for (const letter of wanted) {
      const { key, source } = letter;
      if (ends.length >= limit || (keys !== null && !keys.includes(key))) continue;
      const from = this.#sources.find(({ name }) => name === source);
      const why =
        from?.redrive === undefined
          ? `there is no source ${source} any more`
          : this.#options.isEnding() || !this.#hasRoom(letter.bytes)
            ? 'the node has no room now'
            : null;
      ends.push({ key, source, end: why === null ? await from!.redrive!(letter) : { kind: 'failed', why } });
    }
    return ends;
  }

  /** Reads keys of sources again; what it resolves to puts them in force and names the settings that they are under. @throws AnteroomError as `RereadKeys`. */
  async rereadKeys(): Promise<() => readonly string[]> {
    const adopt = await Promise.all(this.#sources.map(async ({ rereadKeys }) => (await rereadKeys?.()) ?? null));
    return () => adopt.flatMap((put, i) => (put?.() === true ? [`sources[${i}].keysFolder`] : []));
  }

  start(): void {
    if (this.#isTailing) this.#tailer.start();
    for (const source of this.#sources) source.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#tailer, ...this.#sources].map((source) => source.stop()));
  }

  /** How a post is parsed under the settings in force. */
  postOptions(options: Partial<PostOptions>): PostOptions {
    const { config, wallMs } = this.#options;
    const { rowsPerPostMax, rowsPerFrame, timeAheadMaxMs, nameBytesMax } = config.ingest;
    // A machine that slept, or set its clock after the node had started, would refuse what its senders say is now.
    const nowMs = wallMs();
    return {
      format: 'auto',
      isLenient: false,
      ...options,
      nowMs,
      latestMs: nowMs + timeAheadMaxMs,
      nameBytesMax,
      rowsMax: rowsPerPostMax,
      rowsPerFrame,
    };
  }

  get #isTailing(): boolean {
    return this.#options.config.tail.length > 0;
  }

  /** An engine that is down learns nothing: what a source has is better left where it is. */
  #hasRoom(bytes: number): boolean {
    const { troubles, intake } = this.#options;
    return !troubles.has('engine') && intake().hasRoom(bytes);
  }

  async #whenRoom(bytes: number, waitMs: number): Promise<boolean> {
    const { clock, troubles, intake } = this.#options;
    if (this.#hasRoom(bytes) || waitMs === 0) return this.#hasRoom(bytes);
    let forget = (): void => {};
    let timer: TimerId = 0;
    await new Promise<void>((settle) => {
      timer = clock.setTimeout(settle, waitMs);
      if (!troubles.has('engine')) forget = intake().whenRoom(bytes, settle);
    });
    forget();
    clock.clearTimeout(timer);
    return this.#hasRoom(bytes);
  }
}
