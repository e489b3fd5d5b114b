/** What passes between a run and the thread that learns order for it, with both ends in this thread. */

import { expect, test } from 'vitest';
import { EPOCHS_AHEAD_MAX } from '../../../actors/sequence-predictor/order-ahead.ts';
import { OrderRing } from '../../../sim/replay/order-ring.ts';

test('records of as many epochs as may be ahead wait beside the one in use, run after run', () => {
  const run = new OrderRing();
  const thread = new OrderRing(run.memory);
  for (const epochs of [3 * EPOCHS_AHEAD_MAX, 40]) {
    thread.setReady();
    expect(run.isReady).toBe(true);
    run.begin();
    expect(run.isReady).toBe(false);
    let learned = 0;
    const learn = (until: number): void => {
      for (; learned < until; learned++) {
        const lead = thread.awaitLead(learned);
        thread.recordsOf(learned).fill(lead);
        thread.tellLearned(learned, lead);
      }
    };
    for (let epoch = 0; epoch < EPOCHS_AHEAD_MAX; epoch++) run.tellLead(epoch, 7 * epoch);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const last = epoch + EPOCHS_AHEAD_MAX;
      run.tellLead(last, 7 * last);
      run.wakeLearner(epoch);
      learn(last + 1);
      expect(run.awaitLearned(epoch)).toBe(7 * epoch);
      expect(new Set(run.recordsOf(epoch))).toEqual(new Set([7 * epoch]));
    }
    run.stop();
    expect(thread.awaitLead(learned)).toBe(-1);
  }
  thread.fail();
  expect([run.isReady, run.awaitLearned(1000)]).toEqual([false, -1]);
});
