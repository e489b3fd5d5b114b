/** Seeds of the simulated world: without a planted bug none fails, and with each of them one of the first few does. */

import { describe, expect, test } from 'vitest';
import { type Bug, bugNames, engineBugs } from '../../sim/world/bugs.ts';
import { replayCommand, runCampaign } from '../../sim/world/campaign.ts';
import { type FaultKind, faultKinds, scenarioOf } from '../../sim/world/scenario.ts';
import { runWorld } from '../../sim/world/world.ts';

/** 20 here; `ANTEROOM_SIM_SEEDS=200` for more. */
const SEEDS = Number(process.env.ANTEROOM_SIM_SEEDS ?? 20);
const ENGINE_SEEDS = 3;
const minutes = 10;

/** Within so many seeds each bug must be caught: from what `anteroom sim --bugs` finds, with room. */
const caughtWithin: Readonly<Record<Bug, number>> = {
  'acknowledge-before-append': 5,
  'no-dedupe': 5,
  'dedupe-forgotten': 5,
  'checkpoint-unverified': 60,
  'admission-ignored': 60,
  'window-ignored': 60,
  'told-before-recovered': 60,
  'dirty-checkpoint': 60,
  'stale-checkpoint': 10,
  'reply-consumed-twice': 5,
  'credit-lost': 100,
  'batches-out-of-order': 5,
  'watermark-back': 5,
  'unbounded-mailbox': 40,
  'clock-followed': 15,
  'restart-without-replay': 5,
};

describe('simulated world', () => {
  test(`${SEEDS} seeds keep every invariant`, async () => {
    const { failures } = await runCampaign({ fromSeed: 1, seeds: SEEDS, minutes, bug: null });
    const told = failures.map(
      ({ seed, violation }) => `${replayCommand(seed, { minutes, bug: null })}: ${violation!.detail}`,
    );
    expect(told).toEqual([]);
  });

  test('a seed has at least ten virtual minutes, 5,000 events and five faults', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { eventCount, faults, durationMs } = scenarioOf(seed, minutes);
      expect(eventCount).toBeGreaterThanOrEqual(5000);
      expect(faults.length).toBeGreaterThanOrEqual(5);
      expect(durationMs).toBeGreaterThanOrEqual(600_000);
    }
  });

  test('every kind of fault comes within a few seeds', () => {
    const seen = new Set<FaultKind>();
    for (let seed = 1; seed <= 20; seed++) for (const { kind } of scenarioOf(seed, minutes).faults) seen.add(kind);
    expect([...seen].sort()).toEqual([...faultKinds].sort());
  });

  test('the same seed gives the same result to the digest, another seed another', async () => {
    const first = await runWorld({ seed: 7 });
    expect(await runWorld({ seed: 7 })).toEqual(first);
    expect((await runWorld({ seed: 8 })).digest).not.toBe(first.digest);
  });

  test('two worlds at once do not disturb each other', async () => {
    const alone = [await runWorld({ seed: 3 }), await runWorld({ seed: 4 })];
    expect(await Promise.all([runWorld({ seed: 3 }), runWorld({ seed: 4 })])).toEqual(alone);
  });

  test('the node itself, with its engine, keeps every invariant over a few seeds, and to the digest again', async () => {
    const first = [];
    for (let seed = 1; seed <= ENGINE_SEEDS; seed++) first.push(await runWorld({ seed, node: 'engine' }));
    expect(
      first.flatMap(({ seed, violation }) => (violation === null ? [] : [`${seed}: ${violation.detail}`])),
    ).toEqual([]);
    expect(await runWorld({ seed: 1, node: 'engine' })).toEqual(first[0]);
  });

  test.each([4, 7, 25, 61])(
    'a restored engine forgot requests that a demand had joined (engine, seed %i)',
    async (seed) => {
      expect((await runWorld({ seed, node: 'engine' })).violation).toBeNull();
    },
  );

  test('a failing seed fails again in the same way', async () => {
    const first = await runWorld({ seed: 1, bug: 'acknowledge-before-append' });
    expect(first.violation).not.toBeNull();
    expect(await runWorld({ seed: 1, bug: 'acknowledge-before-append' })).toEqual(first);
  });
});

describe('planted bugs', () => {
  for (const bug of bugNames) {
    test(`${bug} is caught within ${caughtWithin[bug]} seeds`, async () => {
      let caughtBy: string | null = null;
      for (let seed = 1; seed <= caughtWithin[bug] && caughtBy === null; seed++)
        caughtBy = (await runWorld({ seed, bug })).violation?.invariant ?? null;
      expect(caughtBy).not.toBeNull();
    });
  }

  for (const bug of engineBugs) {
    test(`${bug} around the node itself is caught within 3 seeds`, async () => {
      let caughtBy: string | null = null;
      for (let seed = 1; seed <= 3 && caughtBy === null; seed++)
        caughtBy = (await runWorld({ seed, bug, node: 'engine' })).violation?.invariant ?? null;
      expect(caughtBy).not.toBeNull();
    });
  }
});
