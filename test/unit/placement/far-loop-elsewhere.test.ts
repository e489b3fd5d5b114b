/** The owner's side of a far loop in other places, beside places that do not answer. */

import { expect, test } from 'vitest';
import { FarLoopElsewhere } from '../../../actors/placement/far-loop-elsewhere.ts';
import type { PartReport } from '../../../actors/placement/part-messages.ts';
import { placementSchema } from '../../../actors/placement/placement-config.ts';
import type { ActorRef } from '../../../engine/actor.ts';
import type { ActorGateway } from '../../../engine/transport/actor-gateway.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

/** Takes every message and answers none. */
function owner(silentMs: number) {
  const clock = new VirtualClock();
  const told: boolean[] = [];
  let reports: ActorRef<PartReport> | null = null;
  const gateway = {
    export: (_name: string, ref: ActorRef<PartReport>) => {
      reports = ref;
    },
    withdraw: () => {},
    ref: () => ({ address: 'part', tell: () => 'accepted', ready: () => Promise.resolve() }),
  } as unknown as ActorGateway;
  const farLoop = new FarLoopElsewhere({
    place: 'node',
    placement: placementSchema.parse({ source: 'node', 'cache-manager': 'node', ...PLACES }),
    gateway,
    nonce: 'n',
    learners: ['aggregator', 'forecaster', 'scheduler'],
    settings: '{}',
    onLost: () => {},
    silence: { clock, silentMs, onSilent: (isSilent) => told.push(isSilent) },
  });
  return { clock, farLoop, told, report: (report: PartReport) => reports!.tell(report) };
}

const PLACES = Object.fromEntries(
  ['aggregator', 'graph-builder', 'seasonal-predictor', 'interval-predictor', 'forecaster', 'scheduler'].map(
    (actor) => [actor, 'part'],
  ),
);

test('a part that was there and never answered was waited for without a word', async () => {
  const { clock, farLoop, told, report } = owner(1000);
  let isBegun = false;
  const begun = farLoop.begin(new Map()).then(() => {
    isBegun = true;
  });
  await clock.advanceBy(999);
  expect(told).toEqual([]);
  await clock.advanceBy(2);
  expect(told).toEqual([true]);
  expect(isBegun).toBe(false);
  // It goes on waiting, and says when that has ended.
  report({ kind: 'begun', epoch: 'n-1', place: 'part' });
  await begun;
  expect(told).toEqual([true, false]);
});

test('several waits at once are one silence, over with the last of them; a quick answer is none', async () => {
  const { clock, farLoop, told, report } = owner(1000);
  const begun = farLoop.begin(new Map());
  report({ kind: 'begun', epoch: 'n-1', place: 'part' });
  await begun;
  let isFirstDone = false;
  let isSecondDone = false;
  const first = farLoop.settle(() => isFirstDone);
  await clock.advanceBy(500);
  const second = farLoop.settle(() => isSecondDone);
  await clock.advanceBy(1000);
  expect(told).toEqual([true]);
  isFirstDone = true;
  report({ kind: 'begun', epoch: 'n-1', place: 'part' });
  await first;
  expect(told).toEqual([true]);
  isSecondDone = true;
  report({ kind: 'begun', epoch: 'n-1', place: 'part' });
  await second;
  expect(told).toEqual([true, false]);
  await clock.advanceBy(10_000);
  expect(told).toEqual([true, false]);
});
