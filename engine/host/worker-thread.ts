/** A thread beside the main one, reached by messages only. */

import {
  MessageChannel,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { AnteroomError } from '../errors.ts';

export interface WorkerThreadOptions {
  /** The module that calls {@link serveParent}; a built one, since a thread does not compile. */
  readonly module: URL;
  /** Given to the module once; copied. */
  readonly data: unknown;
  readonly onMessage: (message: unknown) => void;
  /** The thread failed or ended without being asked to; it answers nothing from now on. */
  readonly onFailure: (error: AnteroomError) => void;
  /** Heap that the thread may take, in MiB; beyond it the thread fails. */
  readonly heapMiBMax: number;
}

/** A module of this source text, for a thread that must run from sources as well as built; it imports built-in modules and absolute addresses only. */
export function moduleOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

/** An end of a channel that can be moved to a thread. */
export type ThreadPort = MessagePort;

/** A channel whose messages are taken when they are asked for, by who may not wait for a turn of its loop. */
export class ThreadChannel {
  /** For the thread: what is posted there can be taken here at once. */
  readonly far: ThreadPort;
  readonly #near: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.far = port2;
  }

  /** The first message that was not taken yet, or undefined. */
  take(): unknown {
    return receiveMessageOnPort(this.#near)?.message;
  }

  close(): void {
    this.#near.close();
  }
}

/** Starts at once; does not keep the process alive. */
export class WorkerThread {
  readonly #worker: Worker;
  #isClosing = false;

  constructor({ module, data, onMessage, onFailure, heapMiBMax }: WorkerThreadOptions) {
    this.#worker = new Worker(module, {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heapMiBMax },
    });
    let hasFailed = false;
    const fail = (cause: unknown): void => {
      if (this.#isClosing || hasFailed) return;
      hasFailed = true;
      const reason = cause instanceof Error ? `: ${cause.message}` : '';
      onFailure(new AnteroomError('actor-stopped', `a worker thread ended${reason}`, { cause }));
    };
    this.#worker.on('message', onMessage);
    this.#worker.on('error', fail);
    this.#worker.on('exit', (code) => fail(new Error(`exit code ${code}`)));
  }

  /** Sends a copy; the buffers in `moved` are handed over instead and are empty here afterwards. */
  post(message: unknown, moved: readonly (ArrayBuffer | ThreadPort)[] = []): void {
    this.#worker.postMessage(message, moved);
  }

  /** Whether the process waits for the thread: while it works for someone who awaits it. */
  setAwaited(isAwaited: boolean): void {
    if (isAwaited) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Stops the thread wherever it is. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#worker.terminate();
  }
}

/** Called once by the module of a {@link WorkerThread}: `serve` gets the data and a way to answer, and gives the handler of messages. */
export function serveParent(
  serve: (
    data: unknown,
    post: (message: unknown, moved?: readonly ArrayBuffer[]) => void,
  ) => (message: unknown) => void,
): void {
  const port = parentPort;
  if (port === null) throw new AnteroomError('bad-usage', 'this module runs as a worker thread only');
  const handle = serve(workerData, (message, moved = []) => port.postMessage(message, moved));
  port.on('message', handle);
}
