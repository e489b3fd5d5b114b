import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../engine/actor.ts';
import { Mailbox, type MailboxPolicy } from '../../engine/mailbox.ts';

const policies: readonly MailboxPolicy[] = ['block', 'drop-oldest', 'drop-newest', 'fail'];

/** The oracle: an array, and the policy as its name says. */
class NaiveMailbox {
  readonly kept: number[] = [];
  readonly dropped: number[] = [];
  readonly #capacity: number;
  readonly #policy: MailboxPolicy;

  constructor(capacity: number, policy: MailboxPolicy) {
    this.#capacity = capacity;
    this.#policy = policy;
  }

  offer(message: number): Delivery {
    if (this.kept.length < this.#capacity) {
      this.kept.push(message);
      return 'accepted';
    }
    if (this.#policy === 'block') return 'full';
    if (this.#policy === 'drop-oldest') {
      this.dropped.push(this.kept.shift() as number);
      this.kept.push(message);
      return 'dropped-oldest';
    }
    this.dropped.push(message);
    return this.#policy === 'fail' ? 'failed' : 'dropped-newest';
  }
}

describe('law of the mailbox', () => {
  test('under every policy it equals an array, and offered = taken + dropped + refused + waiting', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...policies),
        fc.integer({ min: 1, max: 70 }),
        fc.array(fc.integer({ min: -40, max: 60 }), { maxLength: 60 }),
        (policy, capacity, steps) => {
          const dropped: number[] = [];
          const mailbox = new Mailbox<number>({ capacity, policy }, (message) => dropped.push(message));
          const naive = new NaiveMailbox(capacity, policy);
          let next = 0;
          let taken = 0;
          let refused = 0;
          for (const step of steps) {
            for (let i = 0; i < step; i++) {
              const delivery = mailbox.offer(next);
              expect(delivery).toBe(naive.offer(next));
              if (delivery === 'full') refused++;
              next++;
            }
            for (let i = 0; i < -step && mailbox.size > 0; i++) {
              expect(mailbox.take()).toBe(naive.kept.shift());
              taken++;
            }
            expect(mailbox.size).toBe(naive.kept.length);
            expect(mailbox.size).toBeLessThanOrEqual(capacity);
            expect(mailbox.offeredCount).toBe(taken + dropped.length + refused + mailbox.size);
          }
          expect(dropped).toEqual(naive.dropped);
        },
      ),
    );
  });

  test('no sender that waits for room waits for ever while messages are taken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(10),
        async (capacity, senders, idle) => {
          const mailbox = new Mailbox<number>({ capacity, policy: 'block' }, () => {});
          const perSender = 5;
          const sends = Array.from({ length: senders }, async (_, sender) => {
            for (let i = 0; i < perSender; i++) {
              while (mailbox.offer(sender * 100 + i) === 'full') await mailbox.ready();
              // Some wake up and have nothing more to say: their place must go to another.
              if (sender < idle && i === 2) return i + 1;
            }
            return perSender;
          });
          const taken: number[] = [];
          for (let turn = 0; turn < 10_000 && (mailbox.size > 0 || mailbox.waitingCount > 0 || turn < 10); turn++) {
            if (mailbox.size > 0) taken.push(mailbox.take());
            await Promise.resolve();
          }
          const sent = (await Promise.all(sends)).reduce((sum, count) => sum + count, 0);
          expect(taken.length).toBe(sent);
          for (let sender = 0; sender < senders; sender++) {
            const own = taken.filter((message) => Math.floor(message / 100) === sender);
            expect(own).toEqual([...own].sort((a, b) => a - b));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
