/** Order learned in a thread of its own, ahead of the run that it is learned for. */

import type { NearLoopConfig } from '../../actors/near-loop/near-loop-config.ts';
import { orderCodeOf } from '../../actors/near-loop/order-options.ts';
import type { Snapshot } from '../../actors/near-loop/snapshot.ts';
import { orderModule } from '../../actors/sequence-predictor/order-module.ts';
import { assert } from '../../engine/assert.ts';
import type { AnteroomError } from '../../engine/errors.ts';
import { type ThreadPort, WorkerThread } from '../../engine/host/worker-thread.ts';
import type { CompiledModule } from '../../streams/sources/wasm-module.ts';
import type { SharedSpool } from '../../streams/spool.ts';
import { LentOrderThread } from './lent-order-thread.ts';
import { OrderRing } from './order-ring.ts';

/** From which rows to learn, how. */
export interface OrderLessons {
  readonly rows: SharedSpool;
  readonly config: NearLoopConfig;
  readonly compiled: CompiledModule | null;
}

/** What the thread is told once. */
export interface OrderThreadData {
  readonly ring: SharedArrayBuffer;
  /** What to learn and forget before anything is asked for; null = nothing. */
  readonly practice: OrderLessons | null;
}

/** With what it begins a run; what order has become, where it can go on no further, is posted to `back`. */
export interface OrderToLearn extends OrderLessons {
  readonly order: Snapshot;
  readonly position: number;
  readonly back: ThreadPort;
}

export interface OrderThreadOptions {
  /** The built `order-thread-module.js`, where it does not stand beside this file. */
  readonly module?: URL;
  /** Some of these rows are learned first and forgotten, so that the code is compiled when a run begins. Default null: none. */
  readonly practice?: Pick<OrderLessons, 'rows' | 'config'> | null;
}

/** Heap of the thread at most, in MiB; its tables lie outside. */
const HEAP_MIB_MAX = 512;

/**
 * A thread that learns order for one run after the other, from the same rows; what it compiled and warmed up for one serves the next. It is at most `EPOCHS_AHEAD_MAX` epochs ahead. It begins when it has started, and is relied on when it has caught up, which is not determined;
 * what is learned, and so every decision, does not depend on that.
 */
export class OrderThread {
  readonly #ring = new OrderRing();
  readonly #thread: WorkerThread;
  /** Resolves when it can begin; rejects where it failed before. */
  readonly started: Promise<void>;
  #failure: AnteroomError | null = null;
  #lent: LentOrderThread | null = null;

  /** See {@link OrderThreadOptions}. */
  constructor({ module, practice = null }: OrderThreadOptions = {}) {
    const data: OrderThreadData = {
      ring: this.#ring.memory,
      practice: practice === null ? null : lessonsOf(practice.rows, practice.config),
    };
    const { promise, resolve, reject } = withResolvers();
    this.started = promise;
    // Before it has begun nobody misses it.
    promise.catch(() => {});
    this.#thread = new WorkerThread({
      module: module ?? new URL('./order-thread-module.js', import.meta.url),
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

  /** For one run over these rows, which must stay readable until this is closed; to be given back before it is lent again. `isAwaited`: see {@link OrderLender}. */
  lend(rows: SharedSpool, config: NearLoopConfig, isAwaited: boolean): LentOrderThread {
    assert(this.#lent === null, 'a thread learns order for one run at a time');
    this.#lent = new LentOrderThread({
      ring: this.#ring,
      isAwaited,
      begin: (order, position, back) => {
        const message: OrderToLearn = { ...lessonsOf(rows, config), order, position, back };
        this.#thread.post(message, [...new Set(order.map(({ buffer }) => buffer as ArrayBuffer)), back]);
      },
      end: () => {
        this.#lent = null;
      },
      failure: () => this.#failure,
    });
    return this.#lent;
  }

  async close(): Promise<void> {
    this.#ring.stop();
    await this.#thread.close();
  }
}

function lessonsOf(rows: SharedSpool, config: NearLoopConfig): OrderLessons {
  return { rows, config, compiled: orderModule(orderCodeOf(config)) };
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
