/** Lives through accesses and ticks in log order, waiting at a tick for what other actors have to say of it. */

import { assert } from '../engine/assert.ts';
import { AnteroomError } from '../engine/errors.ts';
import type { AccessBatch } from '../streams/access-batch.ts';
import type { FarLoopMessage, TickMessage } from './messages.ts';

/**
 * Holds back what follows a tick until the tick can be answered, so that an actor with several inputs changes its state in
 * one order whatever the delays between actors. At most `accessesMax` accesses are held; one more is a fault, since none may
 * be lost: the supervisor decides.
 */
export class LogOrder {
  readonly #accessesMax: number;
  readonly #onBatch: (batch: AccessBatch) => void;
  readonly #onTick: (tick: TickMessage) => boolean;
  #held: FarLoopMessage[] = [];
  #heldAccesses = 0;

  /** `onTick` returns false when the tick cannot be answered yet; it is asked again at the next `advance`. */
  constructor(options: {
    readonly accessesMax: number;
    readonly onBatch: (batch: AccessBatch) => void;
    readonly onTick: (tick: TickMessage) => boolean;
  }) {
    this.#accessesMax = options.accessesMax;
    this.#onBatch = options.onBatch;
    this.#onTick = options.onTick;
  }

  /** Accesses that wait. */
  get heldAccesses(): number {
    return this.#heldAccesses;
  }

  get isIdle(): boolean {
    return this.#held.length === 0;
  }

  /** @throws AnteroomError('limit') when more would have to be held than allowed. */
  push(message: FarLoopMessage): void {
    if (message.kind === 'accesses' && this.#held.length > 0) {
      if (this.#heldAccesses + message.batch.length > this.#accessesMax) {
        throw new AnteroomError('limit', `more than ${this.#accessesMax} accesses wait for the answers to a tick`, {
          context: { position: message.batch.position },
          isRetryable: true,
        });
      }
    }
    if (message.kind === 'accesses') this.#heldAccesses += message.batch.length;
    this.#held.push(message);
    this.advance();
  }

  /** Goes on as far as it can. */
  advance(): void {
    let done = 0;
    for (; done < this.#held.length; done++) {
      const next = this.#held[done]!;
      if (next.kind === 'tick') {
        if (!this.#onTick(next)) break;
      } else {
        this.#onBatch(next.batch);
        this.#heldAccesses -= next.batch.length;
      }
    }
    if (done > 0) this.#held = this.#held.slice(done);
  }

  /** Between calls of a system that is drained nothing is held, so there is nothing to save. */
  assertIdle(): void {
    assert(this.#held.length === 0, 'a state is saved when nothing waits for a tick');
  }
}
