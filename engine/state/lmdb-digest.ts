/** The digest of what an LMDB checkpoint holds, taken by a thread of its own while the owner reads the same. */

import { moduleOf, WorkerThread } from '../host/worker-thread.ts';
import { lmdbAddress, SETTINGS } from './lmdb-environment.ts';

/** Heap of the thread, in MiB: what it reads is mapped, not copied. */
const HEAP_MIB = 64;

/**
 * SHA-256, in hexadecimal, of `head` and then of all pieces of checkpoint `id` in the order of their keys. Null where the thread fails:
 * then whoever asked takes it himself. The environment at `path` is open in this process and is not written meanwhile.
 */
export async function digestBeside(path: string, id: number, head: Uint8Array): Promise<string | null> {
  const library = await lmdbAddress();
  let thread: WorkerThread | null = null;
  const digest = await new Promise<string | null>((settle) => {
    thread = new WorkerThread({
      module: moduleOf(READER),
      data: { library, options: { path, ...SETTINGS }, id, head },
      heapMiBMax: HEAP_MIB,
      onMessage: (message) => settle(message as string),
      onFailure: () => settle(null),
    });
  });
  await thread!.close();
  return digest;
}

const READER = `
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
const { library, options, id, head } = workerData;
const { open } = await import(library);
const pieces = open(options).openDB({ name: 'pieces', encoding: 'binary' });
const hash = createHash('sha256').update(head);
for (const { value } of pieces.getRange({ start: [id, 0, 0], end: [id + 1, 0, 0] })) hash.update(value);
parentPort.postMessage(hash.digest('hex'));
`;
