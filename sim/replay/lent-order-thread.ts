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
  /** Has the thread begin; what order has become, where it can go on no further, is posted to `back`. */
  begin(order: Snapshot, position: number, back: ThreadPort): void;
  /** Why the thread has ended, where that is known. */
  failure(): AnteroomError | null;
  end(): void;
}

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

  next(leadAccesses: number, epochCount: number, said: Int32Array): number {
    const epoch = this.#epoch++;
    for (let i = 0; i < epochCount; i++) this.#ring.tellLead(this.#told++, leadAccesses);
    this.#ring.wakeLearner(epoch);
    const count = this.#ring.awaitLearned(epoch);
    const failure = this.#lender.failure();
    assert(count >= 0, `the thread that learns order failed${failure === null ? '' : `: ${failure.message}`}`);
    const records = this.#ring.recordsOf(epoch);
    this.rowCount += count;
    said.set(count === ROWS_AHEAD ? records : records.subarray(0, (count * records.length) / ROWS_AHEAD));
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
