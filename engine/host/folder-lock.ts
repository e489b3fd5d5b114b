/** One process a folder: a lock that goes with its process, however that ends. */

import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { sha256Hex } from './digest.ts';

/** Bytes that the path of a socket may have; longer ones are refused by the system. */
const PATH_BYTES_MAX = 100;

/**
 * Takes the lock of a folder until `release` or the end of the process.
 *
 * The lock is a socket that listens: who finds one that answers knows that its owner lives, and one that does not answer was left by a
 * process that was killed. A file with a process number could not tell that, since numbers come again.
 * @throws AnteroomError 'io' where another process has it.
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const own = join(resolve(folder), 'lock.sock');
  const name = sha256Hex([new TextEncoder().encode(resolve(folder))]).slice(0, 24);
  const path = Buffer.byteLength(own) <= PATH_BYTES_MAX ? own : join(tmpdir(), `anteroom-${name}.sock`);
  let server = await listenAt(path);
  if (server === null) {
    if (await answers(path))
      throw new AnteroomError('io', `${folder}: another process is using it`, { context: { folder } });
    unlinkSync(path);
    server = await listenAt(path);
  }
  if (server === null)
    throw new AnteroomError('io', `${folder}: another process has just taken it`, { context: { folder } });
  const held = server;
  // The lock alone keeps no process alive.
  held.unref();
  return { release: () => new Promise((settle) => held.close(() => settle())) };
}

/** Null = something is there already. */
function listenAt(path: string): Promise<Server | null> {
  return new Promise((settle, fail) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') settle(null);
      else fail(new AnteroomError('io', `${path}: ${cause.message}`, { cause }));
    });
    server.listen(path, () => settle(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      settle(true);
    });
    socket.on('error', () => settle(false));
  });
}
