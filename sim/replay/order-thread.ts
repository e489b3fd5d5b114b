/** Order learned in a thread of its own, ahead of the run that it is learned for. */

import type { NearLoopConfig } from '../../actors/near-loop/near-loop-config.ts';
import type { Snapshot } from '../../actors/near-loop/snapshot.ts';
import { EPOCHS_AHEAD, type OrderAhead, type OrderTaker } from '../../actors/sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { assert } from '../../engine/assert.ts';
import type { AnteroomError } from '../../engine/errors.ts';
import { ThreadChannel, type ThreadPort, WorkerThread } from '../../engine/host/worker-thread.ts';
import type { SharedSpool } from '../../streams/spool.ts';
import { OrderRing } from './order-ring.ts';

/** What the thread is told once. */
export interface OrderThreadData {
  readonly rows: SharedSpool;
  readonly config: NearLoopConfig;
  readonly ring: SharedArrayBuffer;
}

/** With what it begins; what order has become, where it can go on no further, is posted to `back`. */
export interface OrderToLearn {
  readonly order: Snapshot;
  readonly position: number;
  readonly back: ThreadPort;
}

/** Heap of the thread at most, in MiB; its tables lie outside. */
const HEAP_MIB_MAX = 512;

/**
 * The thread reads the same rows, and is at most `EPOCHS_AHEAD` epochs ahead. It begins when it has started, which is not determined; what is learned, and so every decision, does not depend on that.
 */
export class OrderThread implements OrderTaker, OrderAhead {
  readonly #ring = new OrderRing();
  readonly #thread: WorkerThread;
  readonly #back = new ThreadChannel();
  /** Resolves when it can begin; rejects where it failed before. */
  readonly started: Promise<void>;
  /** Rows that it has learned and handed over. */
  rowCount = 0;
  #failure: AnteroomError | null = null;
  #epoch = 0;

  /** `module`: the built `order-thread-module.js`, where it does not stand beside this file. */
  constructor(
    rows: SharedSpool,
    config: NearLoopConfig,
    module = new URL('./order-thread-module.js', import.meta.url),
  ) {
    const data: OrderThreadData = { rows, config, ring: this.#ring.memory };
    const { promise, resolve, reject } = withResolvers();
    this.started = promise;
    // Before it has begun nobody misses it.
    promise.catch(() => {});
    this.#thread = new WorkerThread({
      module,
      data,
      heapMiBMax: HEAP_MIB_MAX,
      onMessage: () => {
        this.#thread.setAwaited(false);
        resolve();
      },
      onFailure: (error) => {
        this.#failure = error;
        this.#ring.fail();
        reject(error);
      },
    });
  }

  get isReady(): boolean {
    return this.#ring.isReady;
  }

  get bytes(): number {
    return this.#ring.bytes;
  }

  begin(order: Snapshot, position: number, leads: readonly number[]): OrderAhead {
    assert(leads.length === EPOCHS_AHEAD, 'so many leads are known when order is handed over');
    for (const [epoch, lead] of leads.entries()) this.#ring.tellLead(epoch, lead);
    const message: OrderToLearn = { order, position, back: this.#back.far };
    const buffers = order.map(({ buffer }) => buffer as ArrayBuffer);
    this.#thread.post(message, [...new Set(buffers), this.#back.far]);
    return this;
  }

  next(leadAccesses: number, said: Int32Array): number {
    const epoch = this.#epoch++;
    this.#ring.tellLead(epoch + EPOCHS_AHEAD, leadAccesses);
    const count = this.#ring.awaitLearned(epoch);
    assert(
      count >= 0,
      `the thread that learns order failed${this.#failure === null ? '' : `: ${this.#failure.message}`}`,
    );
    const records = this.#ring.recordsOf(epoch);
    this.rowCount += count;
    said.set(count === ROWS_AHEAD ? records : records.subarray(0, (count * records.length) / ROWS_AHEAD));
    return count;
  }

  takeBack(): Snapshot {
    const order = this.#back.take();
    assert(order !== undefined, 'order comes back where it ended short');
    return order as Snapshot;
  }

  async close(): Promise<void> {
    this.#ring.stop();
    this.#back.close();
    await this.#thread.close();
  }
}

interface Resolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

function withResolvers(): Resolvers {
  let resolve: () => void = () => {};
  let reject: (cause: Error) => void = () => {};
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
