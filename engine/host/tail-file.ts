/** A file that grows, read by whole lines, across truncation and rotation. */

import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { crc32 } from './digest.ts';

/** Where in which file a reader stands: enough to go on after a restart. */
export interface TailPlace {
  /** Number of the file in its file system (inode), to tell a rotated file from its successor. */
  readonly file: number;
  /** Bytes of it that have been taken. */
  readonly offset: number;
  /** Grows with each rotation and truncation, so that an offset that comes again is told from its first time. */
  readonly generation: number;
  /** Of its first bytes, at most 1,024 of those taken: the number of a file that was removed may be that of the next. */
  readonly head?: Head;
  /** Where the next chunk ends, when a reader stopped between reading and noting it: the same chunk is cut again. */
  readonly until?: number;
}

interface Head {
  readonly bytes: number;
  /** Their CRC-32. */
  readonly sum: number;
}

/** Whole lines, and where the reader stands before and after them. */
export interface TailChunk {
  readonly bytes: Uint8Array;
  readonly from: TailPlace;
  readonly place: TailPlace;
}

const LINE_FEED = 10;
const HEAD_BYTES = 1024;
const NOTHING = new Uint8Array(0);
/** What follows the name of a file that was rotated: a number or a date. */
const ROTATED = /^[.-]\d/;

/**
 * Polled, not watched: notifications are lost on network file systems and under rename, and a poll a second costs nothing.
 *
 * The open handle is read to its end before the name is followed to a new file, so what was written to a file after its rotation is not
 * lost; one that was renamed beside its name while nobody read (access.log.1) is found there by its number; of several the later are passed over,
 * and counted. A file that became shorter was truncated: reading goes on from its
 * start (one that was truncated and has grown as long again between two polls looks like one that only grew). A line longer than `chunkBytesMax` is given in pieces.
 */
export class TailFile {
  readonly #path: string;
  readonly #chunkBytesMax: number;
  #handle: FileHandle | null = null;
  #file = 0;
  #offset = 0;
  #generation = 0;
  /** First bytes of the file, as far as they were taken. */
  #head: Uint8Array = NOTHING;
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

  /** Whether there is such a file, as of the last look. */
  get isThere(): boolean {
    return this.#handle !== null;
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
    const named = await handleOf(this.#path);
    try {
      return await this.#place(named);
    } finally {
      if (named !== null && named !== this.#handle) await named.close();
    }
  }

  /** Begins in the file that has the name, or where an earlier reader stood. False = there is none. */
  async #place(named: FileHandle | null): Promise<boolean> {
    const resume = this.#isFirst ? this.#resume : null;
    const handle = resume === null ? null : await this.#resumed(named, resume);
    if (handle !== null) {
      await this.#begin(handle, resume!.file, resume!.offset);
      this.#until = resume!.until ?? null;
      return true;
    }
    if (named === null) return false;
    const { ino, size } = await named.stat();
    if (resume !== null) {
      this.#generation++;
      // The file was rotated away while nobody read: its rest is where we do not know, and that is said.
      this.#lostPlaceCount++;
    }
    await this.#begin(named, ino, this.#isFirst && resume === null && !this.#fromStart ? size : 0);
    return true;
  }

  /** The file that an earlier reader stood in, under its name or beside it. Null = it is not there. */
  async #resumed(named: FileHandle | null, place: TailPlace): Promise<FileHandle | null> {
    const { file } = place;
    if (named !== null && (await named.stat()).ino === file) return (await isThat(named, place)) ? named : null;
    for (const path of await this.#besides()) {
      if ((await refusedAs(null, stat(path)))?.ino !== file) continue;
      const beside = await refusedAs(null, open(path, 'r'));
      if (beside === null) continue;
      if (await isThat(beside, place)) return beside;
      await beside.close();
    }
    return null;
  }

  /** Files beside the followed one whose names begin with its own; none where the folder may not be listed. */
  async #besides(): Promise<readonly string[]> {
    const folder = dirname(this.#path);
    const own = basename(this.#path);
    const names = await refusedAs([], readdir(folder));
    return names.filter((name) => name !== own && name.startsWith(own)).map((name) => join(folder, name));
  }

  /** Files that had the name between the one read to its end and the one that has it now: they are dated or numbered, and were written later. */
  async #skippedCount(): Promise<number> {
    const read = await this.#handle!.stat();
    const named = await absentAs(null, stat(this.#path));
    let count = 0;
    for (const path of await this.#besides()) {
      if (!ROTATED.test(basename(path).slice(basename(this.#path).length))) continue;
      const found = await refusedAs(null, stat(path));
      if (found === null || found.ino === read.ino || found.ino === named?.ino) continue;
      if (found.isFile() && found.size > 0 && found.mtimeMs > read.mtimeMs) count++;
    }
    return count;
  }

  async #begin(handle: FileHandle, file: number, offset: number): Promise<void> {
    this.#head = await firstBytes(handle, offset);
    this.#handle = handle;
    this.#file = file;
    this.#offset = offset;
    this.#until = null;
    this.#isFirst = false;
  }

  /** Whole lines from the open file. */
  async #read(): Promise<TailChunk | null> {
    const handle = this.#handle!;
    const { size } = await handle.stat();
    if (size < this.#offset) {
      this.#truncationCount++;
      this.#generation++;
      this.#offset = 0;
      this.#head = NOTHING;
      this.#until = null;
    }
    // The same chunk is cut again whatever the bound is now, or what of it was kept already would be kept twice.
    const length =
      this.#until === null ? Math.min(size - this.#offset, this.#chunkBytesMax) : this.#until - this.#offset;
    if (length === 0) return null;
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, this.#offset);
    let end = this.#until === null ? bytes.lastIndexOf(LINE_FEED, bytesRead - 1) + 1 : length;
    if (bytesRead < end) return null;
    if (end === 0) {
      if (bytesRead < this.#chunkBytesMax) return null;
      end = bytesRead;
    }
    const from = { file: this.#file, offset: this.#offset, generation: this.#generation, head: headOf(this.#head) };
    if (from.offset < HEAD_BYTES) {
      const more = bytes.subarray(0, Math.min(end, HEAD_BYTES - this.#head.length));
      this.#head = Uint8Array.of(...this.#head, ...more);
    }
    this.#offset += end;
    this.#until = null;
    return { bytes: bytes.subarray(0, end), from, place: { ...from, offset: this.#offset, head: headOf(this.#head) } };
  }

  /** Whether another file has the name now, and something in it: until then whoever writes may not have gone over to it. */
  async #isReplaced(): Promise<boolean> {
    const found = await absentAs(null, stat(this.#path));
    return found !== null && found.ino !== this.#file && found.size > 0;
  }

  async #goOver(): Promise<boolean> {
    this.#lostPlaceCount += await this.#skippedCount();
    await this.#handle!.close();
    this.#handle = null;
    this.#rotationCount++;
    this.#generation++;
    return this.#open();
  }
}

/** Whether a reader may have stood there in this file. */
async function isThat(handle: FileHandle, { file, offset, head }: TailPlace): Promise<boolean> {
  const { ino, size } = await handle.stat();
  if (ino !== file || offset > size) return false;
  return head === undefined || headOf(await firstBytes(handle, head.bytes)).sum === head.sum;
}

/** The first `count` bytes, 1,024 at most. */
async function firstBytes(handle: FileHandle, count: number): Promise<Uint8Array> {
  if (count === 0) return NOTHING;
  const bytes = new Uint8Array(Math.min(count, HEAD_BYTES));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
}

function headOf(bytes: Uint8Array): Head {
  return { bytes: bytes.length, sum: crc32(bytes) };
}

/** Null = there is no such file. */
function handleOf(path: string): Promise<FileHandle | null> {
  return absentAs(null, open(path, 'r'));
}

/** What is asked of a file or folder; `none` where it is not there. */
function absentAs<T, N>(none: N, asked: Promise<T>): Promise<T | N> {
  return unless(['ENOENT'], none, asked);
}

/** The same, and where it may not be looked at: what lies beside the followed file is not ours, and the file itself can be read all the same. */
function refusedAs<T, N>(none: N, asked: Promise<T>): Promise<T | N> {
  return unless(['ENOENT', 'EACCES', 'EPERM'], none, asked);
}

async function unless<T, N>(codes: readonly string[], none: N, asked: Promise<T>): Promise<T | N> {
  try {
    return await asked;
  } catch (cause) {
    if (codes.includes((cause as NodeJS.ErrnoException).code ?? '')) return none;
    throw cause;
  }
}
