/** A bounded queue of messages for one actor, with a named policy for what happens at the bound. */

import { z } from 'zod';
import type { Delivery } from './actor.ts';
import { assert } from './assert.ts';

/**
 * What happens to a message that finds the mailbox full. `block`: it is not taken, the sender keeps it and waits for
 * `ready`. `drop-oldest`: the longest-waiting message makes room. `drop-newest`: the message itself is dropped. `fail`: the
 * message is a dead letter and the overflow is a fault of the actor, for its supervisor to decide.
 */
export type MailboxPolicy = 'block' | 'drop-oldest' | 'drop-newest' | 'fail';

/** How many messages may wait for an actor, and what happens beyond. */
export const mailboxSchema = z.strictObject({
  capacity: z
    .int()
    .min(1)
    .max(16_777_216)
    .default(1024)
    .describe('messages that may wait; the policy decides beyond it'),
  policy: z
    .enum(['block', 'drop-oldest', 'drop-newest', 'fail'])
    .default('block')
    .describe('what happens to a message that finds the mailbox full'),
});

/** With every default filled in. */
export type MailboxConfig = z.output<typeof mailboxSchema>;

/** Why a mailbox gave a message away unhandled. */
export type MailboxDrop = 'dropped-oldest' | 'dropped-newest' | 'mailbox-full';

const INITIAL_SLOTS = 16;

/**
 * A ring of slots, a power of two so that wrapping is a mask; it starts small and doubles up to the capacity, so that many
 * idle actors cost little. `offer` and `take` are O(1) amortised and allocate nothing in the steady state.
 */
export class Mailbox<M> {
  readonly #capacity: number;
  readonly #policy: MailboxPolicy;
  readonly #onDrop: (message: M, reason: MailboxDrop) => void;
  #slots: (M | undefined)[];
  #mask: number;
  #head = 0;
  #size = 0;
  #offeredCount = 0;
  #waiters: (() => void)[] = [];

  /** `onDrop` is given every message that the policy gives up; it is how drops are counted. */
  constructor(config: MailboxConfig, onDrop: (message: M, reason: MailboxDrop) => void) {
    assert(
      Number.isInteger(config.capacity) && config.capacity >= 1,
      `a capacity is an integer >= 1, not ${config.capacity}`,
    );
    this.#capacity = config.capacity;
    this.#policy = config.policy;
    this.#onDrop = onDrop;
    this.#slots = new Array(INITIAL_SLOTS).fill(undefined);
    this.#mask = INITIAL_SLOTS - 1;
  }

  get size(): number {
    return this.#size;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get policy(): MailboxPolicy {
    return this.#policy;
  }

  /** Messages ever offered, taken or not. */
  get offeredCount(): number {
    return this.#offeredCount;
  }

  /** Senders that wait for room. */
  get waitingCount(): number {
    return this.#waiters.length;
  }

  /** Puts a message in, or does what the policy says. */
  offer(message: M): Delivery {
    this.#offeredCount++;
    if (this.#size >= this.#capacity) return this.#overflow(message);
    this.#put(message);
    return 'accepted';
  }

  /** Takes the longest-waiting message. The caller has seen that `size` > 0. */
  take(): M {
    assert(this.#size > 0, 'an empty mailbox has no message to take');
    const head = this.#head;
    const message = this.#slots[head] as M;
    this.#slots[head] = undefined; // or the ring would keep handled messages alive
    this.#head = (head + 1) & this.#mask;
    this.#size--;
    if (this.#waiters.length !== 0) this.#wakeWaiters();
    return message;
  }

  /**
   * Resolves when there is room, at once if there is. Under policies other than `block` there is always a way in, but the
   * promise still waits for room: it is how a polite sender avoids drops.
   */
  ready(): Promise<void> {
    if (this.#size < this.#capacity) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** Lets every waiting sender go, room or not: the actor will take no more. */
  releaseWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #put(message: M): void {
    if (this.#size > this.#mask) this.#grow();
    this.#slots[(this.#head + this.#size) & this.#mask] = message;
    this.#size++;
  }

  #overflow(message: M): Delivery {
    switch (this.#policy) {
      case 'block':
        return 'full';
      case 'drop-oldest': {
        // Not through `take`: the slot is used again at once, so nobody who waits for room may be woken.
        const oldest = this.#slots[this.#head] as M;
        this.#slots[this.#head] = undefined;
        this.#head = (this.#head + 1) & this.#mask;
        this.#size--;
        this.#put(message);
        this.#onDrop(oldest, 'dropped-oldest');
        return 'dropped-oldest';
      }
      case 'drop-newest':
        this.#onDrop(message, 'dropped-newest');
        return 'dropped-newest';
      case 'fail':
        this.#onDrop(message, 'mailbox-full');
        return 'failed';
    }
  }

  /** One sender for each slot that came free, first come first served; all of them once nothing waits, lest one starve. */
  #wakeWaiters(): void {
    if (this.#size === 0) this.releaseWaiters();
    else this.#waiters.shift()?.();
  }

  #grow(): void {
    const slots: (M | undefined)[] = new Array((this.#mask + 1) * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) slots[i] = this.#slots[(this.#head + i) & this.#mask];
    this.#slots = slots;
    this.#mask = slots.length - 1;
    this.#head = 0;
  }
}
