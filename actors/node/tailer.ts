/** Follows log files and puts their lines into the log as posts of their own producers, so that a restart repeats nothing. */

import type { Clock, TimerId } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { crc32 } from '../../engine/host/digest.ts';
import { type TailChunk, TailFile, type TailPlace } from '../../engine/host/tail-file.ts';
import type { LogReceipt } from '../../engine/state/log-store.ts';
import type { RecordStore } from '../../engine/state/record-store.ts';
import type { TailConfig } from './node-config.ts';
import type { ParsedPost } from './parse-post.ts';
import type { Source, SourceStatus } from './sources/source.ts';

export interface TailerOptions {
  readonly tails: readonly TailConfig[];
  readonly pollMs: number;
  readonly chunkBytesMax: number;
  readonly places: RecordStore;
  readonly clock: Clock;
  readonly parse: (bytes: Uint8Array, format: string) => Promise<ParsedPost>;
  readonly append: (
    frames: ParsedPost['frames'],
    origin: { readonly producer: string; readonly sequence: number },
  ) => Promise<LogReceipt>;
  /** False = no room now: come back later. */
  readonly hasRoom: (bytes: number) => boolean;
  readonly onTrouble: (why: string | null) => void;
}

export interface TailerCounts {
  readonly lines: number;
  readonly rejected: number;
  readonly rotations: number;
  readonly truncations: number;
  readonly lostPlaces: number;
  /** Files that were not there at the last look. */
  readonly absent: readonly string[];
}

const PREFIX = 'tail/';

/**
 * A chunk's end is stored before it is appended and its place after it, so a crash between the two cuts the same chunk again; the chunk's
 * origin is the file and its generation with the offset as the sequence, and the log refuses the repetition. A chunk that could not be
 * appended is kept and tried again before anything else of its file.
 */
export class Tailer implements Source {
  readonly name = 'tail';
  readonly #options: TailerOptions;
  readonly #files: TailFile[] = [];
  readonly #held = new Map<TailFile, TailChunk>();
  #timer: TimerId | null = null;
  #isRunning = false;
  #isEnded = false;
  #isPaused = false;
  #isBegun = false;
  #hasFailed = false;
  #isFull = false;
  #trouble: string | null = null;
  readonly #positions = new Map<string, string>();
  #chunks = 0;
  #duplicates = 0;
  #failures = 0;
  #pauses = 0;
  #lines = 0;
  #rejected = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: TailerOptions) {
    this.#options = options;
  }

  get counts(): TailerCounts {
    const sums = { rotations: 0, truncations: 0, lostPlaces: 0 };
    for (const { counts } of this.#files) {
      sums.rotations += counts.rotations;
      sums.truncations += counts.truncations;
      sums.lostPlaces += counts.lostPlaces;
    }
    const absent = this.#options.tails.filter((_, i) => this.#files[i]?.isThere === false).map(({ file }) => file);
    return { lines: this.#lines, rejected: this.#rejected, ...sums, absent };
  }

  get status(): SourceStatus {
    return {
      name: this.name,
      type: 'tail',
      state: this.#isEnded
        ? 'stopped'
        : !this.#isBegun
          ? 'idle'
          : this.#hasFailed
            ? 'degraded'
            : this.#isPaused || this.#isFull
              ? 'paused'
              : 'running',
      trouble: this.#trouble,
      counts: {
        messages: this.#chunks,
        accesses: this.#lines,
        duplicates: this.#duplicates,
        bad: this.#rejected,
        deadLettersDropped: 0,
        redriven: 0,
        // A file is told nothing: its place is noted instead.
        acknowledged: this.#chunks,
        failures: this.#failures,
        pauses: this.#pauses,
      },
      positions: Object.fromEntries(this.#positions),
      refused: {},
      latestRefused: null,
    };
  }

  start(): void {
    this.#isBegun = true;
    for (const { file, fromStart } of this.#options.tails) {
      const stored = this.#options.places.get(PREFIX + file);
      const place = stored === null ? null : (JSON.parse(stored) as TailPlace);
      this.#files.push(new TailFile(file, { place, fromStart, chunkBytesMax: this.#options.chunkBytesMax }));
    }
    if (this.#files.length > 0) void this.#round();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Stops; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isEnded = true;
    if (this.#timer !== null) this.#options.clock.clearTimeout(this.#timer);
    if (this.#isRunning) await new Promise<void>((settle) => this.#waiting.push(settle));
    for (const file of this.#files) await file.close();
  }

  async #round(): Promise<void> {
    this.#isRunning = true;
    try {
      for (const [i, file] of this.#files.entries()) {
        while (!this.#isEnded && !this.#isPaused) {
          const isFull = !this.#options.hasRoom(this.#options.chunkBytesMax);
          if (isFull && !this.#isFull) this.#pauses++;
          this.#isFull = isFull;
          if (isFull) break;
          if (!(await this.#take(file, this.#options.tails[i]!))) break;
        }
      }
      this.#hasFailed = false;
      this.#trouble = null;
    } catch (error) {
      this.#failures++;
      this.#hasFailed = true;
      this.#trouble = error instanceof AnteroomError ? error.message : String(error);
    }
    this.#options.onTrouble(this.#trouble);
    this.#isRunning = false;
    for (const settle of this.#waiting.splice(0)) settle();
    if (!this.#isEnded) this.#timer = this.#options.clock.setTimeout(() => void this.#round(), this.#options.pollMs);
  }

  async #take(file: TailFile, tail: TailConfig): Promise<boolean> {
    const chunk = this.#held.get(file) ?? (await file.next());
    if (chunk === null) return false;
    this.#held.set(file, chunk);
    // Paused while it was read: it is taken when that is over.
    if (this.#isPaused) return false;
    const { places, parse, append } = this.#options;
    const { from, place, bytes } = chunk;
    await places.put(PREFIX + tail.file, JSON.stringify({ ...from, until: place.offset } satisfies TailPlace));
    const post = await parse(bytes, tail.format);
    if (post.frames.length > 0) {
      const name = crc32(new TextEncoder().encode(tail.file)).toString(16);
      const origin = { producer: `tail:${name}:${place.file}:${place.generation}`, sequence: from.offset };
      const receipt = await append(post.frames, origin);
      if (receipt.kind === 'refused')
        throw new AnteroomError('limit', `${tail.file}: the log refused its lines: ${receipt.reason}`);
      if (receipt.kind === 'duplicate') this.#duplicates++;
      else this.#lines += post.accepted;
    }
    this.#chunks++;
    await places.put(PREFIX + tail.file, JSON.stringify(place));
    this.#held.delete(file);
    this.#positions.set(tail.file, String(place.offset));
    this.#rejected += post.rejected;
    return true;
  }
}
