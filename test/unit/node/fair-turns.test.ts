import { expect, test } from 'vitest';
import { FairTurns } from '../../../actors/node/fair-turns.ts';
import { eventLoopRound } from '../../../engine/host/turns.ts';

test('at most as many pieces of work are under way as may be, in the order in which they came, and a failure gives its place on', async () => {
  const turns = new FairTurns(() => 2);
  let [underWay, most] = [0, 0];
  const begun: number[] = [];
  const ends = Array.from({ length: 9 }, (_, i) =>
    turns
      .take(async () => {
        begun.push(i);
        most = Math.max(most, ++underWay);
        for (let round = 0; round < 3; round++) await eventLoopRound();
        underWay--;
        if (i % 3 === 0) throw new Error('refused');
        return i;
      })
      .catch(() => -1),
  );
  expect(await Promise.all(ends)).toEqual([-1, 1, 2, -1, 4, 5, -1, 7, 8]);
  expect(most).toBe(2);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('between two pieces of work others get a round of the event loop', async () => {
  const turns = new FairTurns(() => 1);
  let rounds = 0;
  let isOver = false;
  const counting = (async () => {
    while (!isOver) {
      await eventLoopRound();
      rounds++;
    }
  })();
  await Promise.all(Array.from({ length: 20 }, () => turns.take(async () => {})));
  isOver = true;
  await counting;
  expect(rounds).toBeGreaterThanOrEqual(20);
});

test('another bound acts on what waits already, whether it is higher or lower', async () => {
  let bound = 1;
  const turns = new FairTurns(() => bound);
  let underWay = 0;
  const most = [0, 0, 0];
  const work = Array.from({ length: 30 }, (_, i) =>
    turns.take(async () => {
      underWay++;
      if (i === 9) bound = 4;
      if (i === 19) bound = 2;
      for (let round = 0; round < 4; round++) {
        // What was under way when the bound fell ends first.
        const phase = i < 9 ? 0 : i < 19 ? 1 : 2;
        if (phase !== 2 || i > 23) most[phase] = Math.max(most[phase]!, underWay);
        await eventLoopRound();
      }
      underWay--;
    }),
  );
  await Promise.all(work);
  expect(most).toEqual([1, 4, 2]);
});
