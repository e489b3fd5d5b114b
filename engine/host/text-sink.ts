/** Text written piece by piece to a file, compressed where its name says so, or to standard output. */

import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AnteroomError } from '../errors.ts';

/** A destination that is written front to back; `write` resolves when there is room for more. */
export interface TextSink {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens `path` for writing, through gzip when it ends in `.gz`; `-` is standard output. @throws AnteroomError 'io' from any call. */
export async function openTextSink(path: string): Promise<TextSink> {
  if (path === '-') {
    return {
      write: (text) => written(process.stdout, text),
      close: async () => {},
    };
  }
  const file = createWriteStream(path);
  const done = finished(file).catch((cause: unknown) => {
    throw new AnteroomError('io', `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  // Whoever writes awaits `done` through `close`; a fault before that must not count as unhandled.
  done.catch(() => {});
  if (!path.endsWith('.gz')) {
    return {
      write: (text) => Promise.race([written(file, text), done]),
      close: async () => {
        file.end();
        await done;
      },
    };
  }
  const gzip = createGzip({ level: 6 });
  gzip.pipe(file);
  return {
    write: (text) => Promise.race([written(gzip, text), done]),
    close: async () => {
      gzip.end();
      await done;
    },
  };
}

function written(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (stream.write(text)) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('drain', resolve);
  });
}
