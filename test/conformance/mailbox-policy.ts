/** What every mailbox does whatever its policy, and what each policy does at the bound. Run it for each implementation. */

import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../engine/actor.ts';
import type { MailboxConfig, MailboxDrop, MailboxPolicy } from '../../engine/mailbox.ts';

/** The contract of a mailbox as the suite uses it. */
export interface MailboxLike<M> {
  readonly size: number;
  readonly capacity: number;
  readonly waitingCount: number;
  readonly offeredCount: number;
  offer(message: M): Delivery;
  take(): M;
  ready(): Promise<void>;
  releaseWaiters(): void;
}

export type MakeMailbox = <M>(
  config: MailboxConfig,
  onDrop: (message: M, reason: MailboxDrop) => void,
) => MailboxLike<M>;

interface AtTheBound {
  readonly delivery: Delivery;
  /** What is in a mailbox of capacity 3 after 1, 2, 3 and then 4. */
  readonly kept: readonly number[];
  readonly dropped: readonly (readonly [number, MailboxDrop])[];
}

const AT_THE_BOUND: Readonly<Record<MailboxPolicy, AtTheBound>> = {
  block: { delivery: 'full', kept: [1, 2, 3], dropped: [] },
  'drop-oldest': { delivery: 'dropped-oldest', kept: [2, 3, 4], dropped: [[1, 'dropped-oldest']] },
  'drop-newest': { delivery: 'dropped-newest', kept: [1, 2, 3], dropped: [[4, 'dropped-newest']] },
  fail: { delivery: 'failed', kept: [1, 2, 3], dropped: [[4, 'mailbox-full']] },
};

export const MAILBOX_POLICIES = Object.keys(AT_THE_BOUND) as MailboxPolicy[];

export function describeMailboxPolicy(name: string, policy: MailboxPolicy, make: MakeMailbox): void {
  const create = (capacity: number) => {
    const dropped: [number, MailboxDrop][] = [];
    const mailbox = make<number>({ capacity, policy }, (message, reason) => dropped.push([message, reason]));
    return { mailbox, dropped };
  };
  const takeAll = (mailbox: MailboxLike<number>): number[] => {
    const taken: number[] = [];
    while (mailbox.size > 0) taken.push(mailbox.take());
    return taken;
  };

  describe(`${name} with policy ${policy}`, () => {
    test('gives messages back in the order in which they came', () => {
      const { mailbox, dropped } = create(1000);
      for (let i = 0; i < 1000; i++) expect(mailbox.offer(i)).toBe('accepted');
      expect(takeAll(mailbox)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
      expect(dropped).toEqual([]);
    });

    test('keeps the order while it wraps round and grows', () => {
      const { mailbox } = create(64); // at most 40 left over and 20 new
      const taken: number[] = [];
      let next = 0;
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i <= round % 20; i++) mailbox.offer(next++);
        for (let i = 0; i < round % 20 && mailbox.size > 0; i++) taken.push(mailbox.take());
      }
      taken.push(...takeAll(mailbox));
      expect(taken).toEqual(Array.from({ length: next }, (_, i) => i));
    });

    test('at the bound does what its policy says, and never holds more than its capacity', () => {
      const { mailbox, dropped } = create(3);
      for (const message of [1, 2, 3]) expect(mailbox.offer(message)).toBe('accepted');
      expect(mailbox.offer(4)).toBe(AT_THE_BOUND[policy].delivery);
      expect(mailbox.size).toBe(3);
      expect(dropped).toEqual(AT_THE_BOUND[policy].dropped);
      expect(takeAll(mailbox)).toEqual(AT_THE_BOUND[policy].kept);
    });

    test('works with room for one', () => {
      const { mailbox } = create(1);
      mailbox.offer(1);
      mailbox.offer(2);
      expect(takeAll(mailbox)).toEqual([policy === 'drop-oldest' ? 2 : 1]);
      expect(mailbox.offer(3)).toBe('accepted');
    });

    test('accepts again as soon as one message is taken', () => {
      const { mailbox } = create(2);
      for (const message of [1, 2, 3]) mailbox.offer(message);
      mailbox.take();
      expect(mailbox.offer(9)).toBe('accepted');
      expect(takeAll(mailbox).at(-1)).toBe(9);
    });

    test('counts every offer', () => {
      const { mailbox } = create(2);
      for (let i = 0; i < 7; i++) mailbox.offer(i);
      expect(mailbox.offeredCount).toBe(7);
    });

    test('carries undefined as a message like any other', () => {
      const mailbox = make<undefined>({ capacity: 2, policy }, () => {});
      mailbox.offer(undefined);
      expect(mailbox.size).toBe(1);
      expect(mailbox.take()).toBe(undefined);
      expect(mailbox.size).toBe(0);
    });

    test('is ready at once while there is room, and when full after a take', async () => {
      const { mailbox } = create(1);
      await mailbox.ready();
      mailbox.offer(1);
      let isReady = false;
      const waiting = mailbox.ready().then(() => {
        isReady = true;
      });
      await Promise.resolve();
      expect([isReady, mailbox.waitingCount]).toEqual([false, 1]);
      mailbox.take();
      await waiting;
      expect(mailbox.waitingCount).toBe(0);
    });

    test('wakes one sender for each place that comes free, and all when nothing waits', async () => {
      const { mailbox } = create(3);
      for (const message of [1, 2, 3]) mailbox.offer(message);
      const woken: string[] = [];
      for (const sender of ['a', 'b', 'c', 'd']) void mailbox.ready().then(() => woken.push(sender));
      mailbox.take();
      await Promise.resolve();
      await Promise.resolve();
      expect(woken).toEqual(['a']);
      takeAll(mailbox);
      await Promise.resolve();
      await Promise.resolve();
      expect(woken).toEqual(['a', 'b', 'c', 'd']);
    });

    test('lets waiting senders go when it closes', async () => {
      const { mailbox } = create(1);
      mailbox.offer(1);
      const waiting = [mailbox.ready(), mailbox.ready()];
      mailbox.releaseWaiters();
      await Promise.all(waiting);
      expect(mailbox.size).toBe(1);
    });
  });
}
