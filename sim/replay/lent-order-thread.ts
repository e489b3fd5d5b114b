/** A thread that learns order, as one run has it. */

import type { Snapshot } from '../../actors/near-loop/snapshot.ts';
import { EPOCHS_AHEAD_MAX, type OrderAhead, type OrderTaker } from '../../actors/sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../../actors/sequence-predictor/order-record.ts';
import { assert } from '../../engine/assert.ts';
import type { AnteroomError } from '../../engine/errors.ts';
import { ThreadChannel, type ThreadPort } from '../../engine/host/worker-thread.ts';
import type { OrderRing } from './order-ring.ts';

/** What a run needs of the thread. */
export interface OrderLender {
  readonly ring: OrderRing;
  /** Whether order is had from the thread from its first row on, if that must be waited for; else once it has caught up. */
  readonly isAwaited: boolean;
  /** Has the thread begin; what order has become, where it can go on no further, is posted to `back`. */
  begin(order: Snapshot, position: number, back: ThreadPort): void;
  /** Why the thread has ended, where that is known. */
  failure(): AnteroomError | null;
  end(): void;
}

/** Part of the epochs that it may be ahead by which it is to be, before order is had from it. */
const CAUGHT_UP = 0.5;

export class LentOrderThread implements OrderTaker, OrderAhead {
  readonly #lender: OrderLender;
  readonly #ring: OrderRing;
  #back: ThreadChannel | null = null;
  #epoch = 0;
  /** Epochs whose lead it was told. */
  #told = 0;
  /** Rows that it has learned and handed over. */
  rowCount = 0;

  constructor(lender: OrderLender) {
    this.#lender = lender;
    this.#ring = lender.ring;
  }

  get isReady(): boolean {
    return this.#ring.isReady;
  }

  get bytes(): number {
    return this.#ring.bytes;
  }

  begin(order: Snapshot, position: number, leads: readonly number[]): OrderAhead {
    assert(leads.length <= EPOCHS_AHEAD_MAX, 'there is room for the epochs whose lead is known');
    this.#ring.begin();
    for (const lead of leads) this.#ring.tellLead(this.#told++, lead);
    this.#back = new ThreadChannel();
    this.#lender.begin(order, position, this.#back.far);
    return this;
  }

  next(leadAccesses: number, epochCount: number, said: Int32Array, isHere: boolean): number {
    const mayPass = isHere && !this.#lender.isAwaited;
    // Nobody misses it yet.
    if (mayPass && this.#ring.hasFailed) return -1;
    const epoch = this.#epoch++;
    this.#checked(this.#ring.awaitRoom(this.#told + epochCount));
    for (let i = 0; i < epochCount; i++) this.#ring.tellLead(this.#told++, leadAccesses);
    this.#ring.wakeLearner(epoch);
    if (mayPass && this.#ring.learnedCount - epoch < CAUGHT_UP * (this.#told - epoch)) return -1;
    const count = this.#checked(this.#ring.awaitLearned(epoch));
    const records = this.#ring.recordsOf(epoch);
    this.rowCount += count;
    said.set(count === ROWS_AHEAD ? records : records.subarray(0, (count * records.length) / ROWS_AHEAD));
    return count;
  }

  #checked(count: number): number {
    const failure = this.#lender.failure();
    assert(count >= 0, `the thread that learns order failed${failure === null ? '' : `: ${failure.message}`}`);
    return count;
  }

  takeBack(): Snapshot {
    const order = this.#back?.take();
    assert(order !== undefined, 'order comes back where it ended short');
    return order as Snapshot;
  }

  /** Gives the thread back, however far it is. */
  end(): void {
    this.#ring.stop();
    this.#back?.close();
    this.#lender.end();
  }
}
