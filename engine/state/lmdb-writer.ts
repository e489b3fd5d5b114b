/** Transactions of one LMDB environment, committed by a thread of their own, one after the other. */

import { AnteroomError } from '../errors.ts';
import { moduleOf, WorkerThread } from '../host/worker-thread.ts';
import { lmdbAddress, lmdbFault, SETTINGS } from './lmdb-environment.ts';
import type { LmdbRoom } from './lmdb-room.ts';

/** One key of one database of the environment. */
export interface LmdbChange {
  readonly database: string;
  readonly key: string | number;
  /** Alone in its buffer, which is handed over: it is empty here afterwards. Null = the key is removed. */
  readonly value: Uint8Array<ArrayBuffer> | null;
  /** The CRC-32 of the value's bytes from `from` is joined by XOR to its little-endian word at `at`, by the thread. */
  readonly sum?: { readonly at: number; readonly from: number };
}

interface Ended {
  readonly id: number;
  /** Null = committed. */
  readonly fault: { readonly code?: string | number; readonly message: string } | null;
}

interface Waiting {
  readonly step: string;
  readonly settle: () => void;
  readonly fail: (error: AnteroomError) => void;
}

/** Heap of the thread, in MiB: values lie outside of it. */
const HEAP_MIB = 64;

/**
 * A commit waits for the disk, milliseconds for hundreds of kilobytes: in a thread of its own nobody else does. Within the thread it is
 * synchronous, because LMDB's asynchronous commits reject promises that nobody can catch when the disk is full.
 */
export class LmdbWriter {
  readonly #what: string;
  readonly #room: LmdbRoom;
  readonly #thread: WorkerThread;
  readonly #waiting = new Map<number, Waiting>();
  #commitCount = 0;
  #failure: AnteroomError | null = null;

  /** The environment must have been opened and its databases made. `what`: what lies there, for errors. */
  static async start(path: string, what: string, room: LmdbRoom): Promise<LmdbWriter> {
    return new LmdbWriter(path, what, room, await lmdbAddress());
  }

  private constructor(path: string, what: string, room: LmdbRoom, library: string) {
    this.#what = what;
    this.#room = room;
    this.#thread = new WorkerThread({
      module: moduleOf(WRITER),
      data: { library, options: { path, ...SETTINGS } },
      heapMiBMax: HEAP_MIB,
      onMessage: (message) => this.#ended(message as Ended),
      onFailure: (cause) => this.#failed(cause),
    });
    this.#thread.setAwaited(false);
  }

  /**
   * All of it or, on an error, nothing; resolves when it is durable. One at a time: the caller awaits each. `freedBytes`: of values
   * that it removes or replaces.
   * @throws AnteroomError as `LmdbRoom` and `lmdbFault`; 'io' for good once the thread is lost, since nobody knows what it had done.
   */
  async commit(step: string, changes: readonly LmdbChange[], freedBytes = 0): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const release = this.#room.take(
      step,
      changes.map(({ value }) => value?.length ?? 0),
      freedBytes,
    );
    return new Promise<void>((settle, fail) => {
      const id = ++this.#commitCount;
      this.#waiting.set(id, { step, settle, fail });
      this.#thread.setAwaited(true);
      const moved = changes.flatMap(({ value }) => (value === null ? [] : [value.buffer]));
      this.#thread.post({ id, changes }, moved);
    }).finally(release);
  }

  /** No commit may be under way. */
  async close(): Promise<void> {
    await this.#thread.close();
  }

  #ended({ id, fault }: Ended): void {
    const { step, settle, fail } = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#thread.setAwaited(false);
    if (fault === null) settle();
    else fail(lmdbFault(this.#what, step, fault));
  }

  #failed(cause: AnteroomError): void {
    const message = `${this.#what}: the thread that writes it was lost, restart: ${cause.message}`;
    this.#failure = new AnteroomError('io', message, { cause });
    for (const { fail } of this.#waiting.values()) fail(this.#failure);
    this.#waiting.clear();
  }
}

/** The thread: opens the environment at the first message, which is after its owner has. */
const WRITER = `
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
const { library, options } = workerData;
const { open } = await import(library);
let environment = null;
const databases = new Map();
function databaseOf(name) {
  let found = databases.get(name);
  if (found === undefined) databases.set(name, (found = environment.openDB({ name, encoding: 'binary' })));
  return found;
}
function write(changes) {
  for (const { database, key, value } of changes) {
    if (value === null) databaseOf(database).removeSync(key);
    else databaseOf(database).putSync(key, Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
}
parentPort.on('message', ({ id, changes }) => {
  let fault = null;
  for (const { value, sum } of changes) {
    if (sum === undefined) continue;
    const word = new DataView(value.buffer, value.byteOffset + sum.at, 4);
    word.setUint32(0, word.getUint32(0, true) ^ crc32(value.subarray(sum.from)), true);
  }
  try {
    environment ??= open(options);
    for (const { database } of changes) databaseOf(database);
    environment.transactionSync(() => write(changes));
  } catch (error) {
    fault = { code: error?.code, message: error?.message ?? String(error) };
  }
  parentPort.postMessage({ id, fault });
});
`;
