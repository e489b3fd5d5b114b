/** Text written piece by piece to a file, compressed where its name says so, or to standard output. */

import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ioFault } from './io-fault.ts';
import { partialOf } from './text-file.ts';

/** A destination that is written front to back; `write` resolves when there is room for more. */
export interface TextSink {
  write(text: string): Promise<void>;
  /** All is written; only now the file is there under its name. */
  close(): Promise<void>;
  /** Nothing is to be kept; never rejects. */
  discard(): Promise<void>;
}

/**
 * Opens `path` for writing, through gzip when it ends in `.gz`; `-` is standard output.
 * @throws AnteroomError 'io', 'not-found' or 'disk-full' from here, from `write` and from `close`.
 */
export async function openTextSink(path: string): Promise<TextSink> {
  if (path === '-') {
    return {
      write: (text) => written(process.stdout, text),
      close: async () => {},
      discard: async () => {},
    };
  }
  const partial = await partialOf(path);
  const file = createWriteStream(partial ?? path);
  const done = finished(file).catch((cause: unknown) => {
    throw ioFault(path, cause);
  });
  // Whoever writes awaits `done` through `close`; a fault before that must not count as unhandled.
  done.catch(() => {});
  const gzip = path.endsWith('.gz') ? createGzip({ level: 6 }) : null;
  gzip?.pipe(file);
  const stream = gzip ?? file;
  return {
    write: (text) => Promise.race([written(stream, text), done]),
    close: async () => {
      stream.end();
      await done;
      if (partial === null) return;
      await rename(partial, path).catch((cause: unknown) => {
        throw ioFault(path, cause);
      });
    },
    discard: async () => {
      file.destroy();
      await done.catch(() => {});
      if (partial !== null) await rm(partial, { force: true }).catch(() => {});
    },
  };
}

function written(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('drain', resolve);
  });
}
