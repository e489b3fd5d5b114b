/** A temporary file that is written at its end, read anywhere, and gone when it is closed. */

import { read, readSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { AnteroomError } from '../errors.ts';
import { ioFault } from './io-fault.ts';

const readDescriptor = promisify(read);

/** Bytes that need not stay in memory. Offsets are bytes from 0. */
export interface ScratchFile {
  readonly byteLength: number;
  /** The open file as this process numbers it, for a thread that reads beside this one: see {@link readScratchFile}. */
  readonly descriptor: number;
  /** Writes `bytes` at the end; resolves to where they begin. `bytes` must not change before. */
  append(bytes: Uint8Array): Promise<number>;
  /** Bytes [offset, offset + length), in memory of their own. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Forgets the bytes. */
  close(): Promise<void>;
}

/**
 * Opens an empty scratch file in `folder` (default: the system's folder for temporary files), readable by this user only.
 *
 * Its name is removed at once where the system allows it, so that nothing stays behind even after a crash.
 * @throws AnteroomError 'io', 'not-found', or 'disk-full', which is retryable, from here and from every method.
 */
export async function openScratchFile(folder: string = tmpdir()): Promise<ScratchFile> {
  try {
    const own = await mkdtemp(join(folder, 'anteroom-scratch-'));
    try {
      const handle = await open(join(own, 'data'), 'wx+', 0o600);
      // Windows keeps the name of an open file; there `close` removes it.
      if (process.platform !== 'win32') await rm(own, { recursive: true, force: true });
      return new DiskScratchFile(handle, own);
    } catch (cause) {
      await rm(own, { recursive: true, force: true });
      throw cause;
    }
  } catch (cause) {
    throw scratchFault(folder, cause);
  }
}

class DiskScratchFile implements ScratchFile {
  readonly #handle: FileHandle;
  readonly #folder: string;
  #byteLength = 0;

  constructor(handle: FileHandle, folder: string) {
    this.#handle = handle;
    this.#folder = folder;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  async append(bytes: Uint8Array): Promise<number> {
    const offset = this.#byteLength;
    this.#byteLength += bytes.length; // claimed before the first wait, so appends never overlap
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw scratchFault(dirname(this.#folder), cause);
    }
    return offset;
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return readWhole(dirname(this.#folder), offset, length, async (bytes, done) => {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      return bytesRead;
    });
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close();
      await rm(this.#folder, { recursive: true, force: true });
    } catch (cause) {
      throw scratchFault(dirname(this.#folder), cause);
    }
  }
}

/**
 * A scratch file that another thread of this process has opened and goes on to own: it is only read here, and must stay open for as long.
 * `append` is refused, `close` does nothing.
 */
export function readScratchFile(descriptor: number, byteLength: number): ScratchFile {
  return {
    byteLength,
    descriptor,
    append: () => Promise.reject(scratchFault(tmpdir(), new Error("it is another thread's"))),
    read: (offset, length) =>
      readWhole(tmpdir(), offset, length, async (bytes, done) => {
        const { bytesRead } = await readDescriptor(descriptor, bytes, done, length - done, offset + done);
        return bytesRead;
      }),
    close: () => Promise.resolve(),
  };
}

/** Fills `into` with the bytes from `offset` on of a scratch file that another thread of this process has open, and waits for the disk meanwhile. @throws AnteroomError 'io'. */
export function readScratchNow(descriptor: number, offset: number, into: Uint8Array): void {
  try {
    for (let done = 0; done < into.length; ) {
      const bytesRead = readSync(descriptor, into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw new Error(`expected ${into.length} bytes at ${offset}, found ${done}`);
      done += bytesRead;
    }
  } catch (cause) {
    throw scratchFault(tmpdir(), cause);
  }
}

/** Reads until `length` bytes are there; `folder` is for the error. */
async function readWhole(
  folder: string,
  offset: number,
  length: number,
  readSome: (bytes: Uint8Array<ArrayBuffer>, done: number) => Promise<number>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  try {
    for (let done = 0; done < length; ) {
      const bytesRead = await readSome(bytes, done);
      if (bytesRead === 0) throw new Error(`expected ${length} bytes at ${offset}, found ${done}`);
      done += bytesRead;
    }
  } catch (cause) {
    throw scratchFault(folder, cause);
  }
  return bytes;
}

/** Names the folder, since nobody chose the file: a small or missing one is mended by choosing another. */
export function scratchFault(folder: string, cause: unknown): AnteroomError {
  return ioFault(`temporary files in ${folder} (TMPDIR chooses the folder)`, cause);
}
