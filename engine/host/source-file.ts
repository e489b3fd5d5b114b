/** Files and standard input as bytes: the only place that opens, reads or spools an input. */

import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { ioFault } from './io-fault.ts';
import { scratchFault } from './scratch-file.ts';

/** Bytes of one read. */
const CHUNK_BYTES = 256 * 1024;

/** An input that is read front to back, once. */
export interface ByteSource {
  /** For errors: the path as given, or `<stdin>`. */
  readonly name: string;
  /** Bytes in all, or null where that is not known (standard input, a pipe). */
  readonly byteLength: number | null;
  /**
   * The bytes in order, in chunks of any size. A chunk is overwritten by the next but one: use it up before asking for the
   * one after the next, and keep no reference.
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** Bytes [start, end) of a regular file, fewer at its end; null where the input can only be read front to back. */
  readonly read: ((start: number, end: number) => Promise<Uint8Array>) | null;
  close(): Promise<void>;
}

/**
 * Opens a file, or standard input for `-`.
 * @throws AnteroomError 'not-found' or 'io'.
 */
export async function openByteSource(path: string): Promise<ByteSource> {
  if (path === '-') return standardInput();
  let handle: FileHandle;
  let byteLength: number;
  let isRegular: boolean;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw ioFault(path, cause);
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new AnteroomError('io', `${path} is a directory`, { context: { file: path } });
    byteLength = stat.size;
    isRegular = stat.isFile();
  } catch (cause) {
    await handle.close();
    throw ioFault(path, cause);
  }
  return {
    name: path,
    byteLength: isRegular ? byteLength : null,
    chunks: () => fileChunks(handle, path),
    read: isRegular ? (start, end) => readAt(handle, path, start, end) : null,
    close: () => handle.close(),
  };
}

/** Bytes in memory as an input. */
export function memoryByteSource(bytes: Uint8Array, name = '<bytes>'): ByteSource {
  return {
    name,
    byteLength: bytes.length,
    chunks: async function* () {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
    },
    read: (start, end) => Promise.resolve(bytes.subarray(start, end)),
    close: () => Promise.resolve(),
  };
}

/**
 * A temporary file holding what `chunks` gave, for formats that need random access behind a compression; `close` removes it.
 * @throws AnteroomError 'io', 'not-found' or 'disk-full' for the folder of temporary files, and as `chunks` does.
 */
export async function spool(chunks: AsyncIterable<Uint8Array>, name: string): Promise<ByteSource> {
  const folder = await mkdtemp(join(tmpdir(), 'anteroom-')).catch((cause: unknown) => {
    throw scratchFault(tmpdir(), cause);
  });
  const path = join(folder, 'spooled');
  try {
    const handle = await open(path, 'wx+', 0o600);
    let byteLength = 0;
    try {
      for await (const chunk of chunks) {
        await handle.appendFile(chunk).catch((cause: unknown) => {
          throw scratchFault(tmpdir(), cause);
        });
        byteLength += chunk.length;
      }
    } catch (cause) {
      await handle.close();
      throw cause;
    }
    return {
      name,
      byteLength,
      chunks: () => fileChunks(handle, name),
      read: (start, end) => readAt(handle, name, start, end),
      close: async () => {
        await handle.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

/** Reads ahead by one chunk into two buffers that take turns, so that the disk works while the reader parses. */
async function* fileChunks(handle: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  const buffers = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)] as const;
  let turn = 0;
  const next = () => handle.read(buffers[turn & 1]!, 0, CHUNK_BYTES, null).then((done) => done.bytesRead);
  let reading = next();
  try {
    for (;;) {
      const bytesRead = await reading;
      if (bytesRead === 0) return;
      const chunk = buffers[turn & 1]!.subarray(0, bytesRead);
      turn++;
      reading = next();
      // A failure is met when the chunk is awaited; until then it must not count as unhandled.
      reading.catch(() => {});
      yield chunk;
    }
  } catch (cause) {
    throw ioFault(path, cause);
  } finally {
    await reading.catch(() => {});
  }
}

async function readAt(handle: FileHandle, path: string, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let filled = 0;
  try {
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } catch (cause) {
    throw ioFault(path, cause);
  }
  return bytes.subarray(0, filled);
}

function standardInput(): ByteSource {
  return {
    name: '<stdin>',
    byteLength: null,
    chunks: async function* () {
      try {
        for await (const chunk of process.stdin as AsyncIterable<Buffer>)
          yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      } catch (cause) {
        throw ioFault('<stdin>', cause);
      }
    },
    read: null,
    close: () => {
      process.stdin.destroy();
      return Promise.resolve();
    },
  };
}
