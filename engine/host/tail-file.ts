/** A file that grows, read by whole lines, across truncation and rotation. */

import { type FileHandle, open, stat } from 'node:fs/promises';
import { AnteroomError } from '../errors.ts';

/** Where in which file a reader stands: enough to go on after a restart. */
export interface TailPlace {
  /** Number of the file in its file system (inode), to tell a rotated file from its successor. */
  readonly file: number;
  /** Bytes of it that have been taken. */
  readonly offset: number;
  /** Grows with each rotation and truncation, so that an offset that comes again is told from its first time. */
  readonly generation: number;
  /** Where the next chunk ends, when a reader stopped between reading and noting it: the same chunk is cut again. */
  readonly until?: number;
}

/** Whole lines, and where the reader stands before and after them. */
export interface TailChunk {
  readonly bytes: Uint8Array;
  readonly from: TailPlace;
  readonly place: TailPlace;
}

const LINE_FEED = 10;

/**
 * Polled, not watched: notifications are lost on network file systems and under rename, and a poll a second costs nothing.
 *
 * The open handle is read to its end before the name is followed to a new file, so what was written to a file after its rotation is not
 * lost. A file that became shorter was truncated: reading goes on from its
 * start (one that was truncated and has grown as long again between two polls looks like one that only grew). A line longer than `chunkBytesMax` is given in pieces.
 */
export class TailFile {
  readonly #path: string;
  readonly #chunkBytesMax: number;
  #handle: FileHandle | null = null;
  #file = 0;
  #offset = 0;
  #generation = 0;
  #until: number | null = null;
  #rotationCount = 0;
  #truncationCount = 0;
  #lostPlaceCount = 0;
  readonly #resume: TailPlace | null;
  readonly #fromStart: boolean;
  #isFirst = true;

  /** @param options.place where an earlier reader stood; `fromStart` says where to begin without one. */
  constructor(
    path: string,
    options: { readonly place: TailPlace | null; readonly fromStart: boolean; readonly chunkBytesMax: number },
  ) {
    this.#path = path;
    this.#chunkBytesMax = options.chunkBytesMax;
    this.#resume = options.place;
    this.#generation = options.place?.generation ?? 0;
    this.#fromStart = options.fromStart;
  }

  get counts(): { readonly rotations: number; readonly truncations: number; readonly lostPlaces: number } {
    return { rotations: this.#rotationCount, truncations: this.#truncationCount, lostPlaces: this.#lostPlaceCount };
  }

  /** What has been written since, up to a bound; null = nothing now. A file that is not there yet has nothing. @throws AnteroomError 'io'. */
  async next(): Promise<TailChunk | null> {
    try {
      if (this.#handle === null && !(await this.#open())) return null;
      const chunk = await this.#read();
      if (chunk !== null || !(await this.#isReplaced())) return chunk;
      // Between the two looks somebody may have written to the old file and then begun the new one.
      const rest = await this.#read();
      if (rest !== null) return rest;
      return (await this.#goOver()) ? await this.#read() : null;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AnteroomError('io', `${this.#path}: ${reason}`, { isRetryable: true, cause });
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  async #open(): Promise<boolean> {
    try {
      this.#handle = await open(this.#path, 'r');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw cause;
    }
    const found = await this.#handle.stat();
    this.#file = found.ino;
    this.#offset = 0;
    if (this.#isFirst) {
      if (this.#resume !== null && this.#resume.file === found.ino && this.#resume.offset <= found.size) {
        this.#offset = this.#resume.offset;
        this.#until = this.#resume.until ?? null;
      } else if (this.#resume !== null) {
        this.#generation++;
        // The file was rotated away while nobody read: its rest is where we do not know, and that is said.
        this.#lostPlaceCount++;
      } else if (!this.#fromStart) this.#offset = found.size;
    }
    this.#isFirst = false;
    return true;
  }

  /** Whole lines from the open file. */
  async #read(): Promise<TailChunk | null> {
    const handle = this.#handle!;
    const { size } = await handle.stat();
    if (size < this.#offset) {
      this.#truncationCount++;
      this.#generation++;
      this.#offset = 0;
      this.#until = null;
    }
    const length = Math.min((this.#until ?? size) - this.#offset, this.#chunkBytesMax);
    if (length === 0) return null;
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, this.#offset);
    let end = bytes.lastIndexOf(LINE_FEED, bytesRead - 1) + 1;
    if (end === 0) {
      if (bytesRead < this.#chunkBytesMax) return null;
      end = bytesRead;
    }
    const from = { file: this.#file, offset: this.#offset, generation: this.#generation };
    this.#offset += end;
    this.#until = null;
    return { bytes: bytes.subarray(0, end), from, place: { ...from, offset: this.#offset } };
  }

  /** Whether another file has the name now, and something in it: until then whoever writes may not have gone over to it. */
  async #isReplaced(): Promise<boolean> {
    let found: { readonly ino: number; readonly size: number };
    try {
      found = await stat(this.#path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw cause;
    }
    return found.ino !== this.#file && found.size > 0;
  }

  async #goOver(): Promise<boolean> {
    await this.#handle!.close();
    this.#handle = null;
    this.#rotationCount++;
    this.#generation++;
    return this.#open();
  }
}
