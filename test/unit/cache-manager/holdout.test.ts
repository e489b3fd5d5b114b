import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Holdout } from '../../../actors/cache-manager/holdout.ts';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import { play } from './scripted-site.ts';

describe('holdout', () => {
  test('withholds about its share, whatever the segments and positions', () => {
    for (const share of [0.01, 0.05, 0.5]) {
      const holdout = new Holdout(share, 3);
      const count = 200_000;
      let withheld = 0;
      for (let i = 0; i < count; i++) {
        holdout.expire(i - 5);
        if (holdout.withholds(i % 977, i, 0.5)) withheld++;
      }
      expect(holdout.withheld).toBe(withheld);
      // Five standard errors of a binomial share.
      expect(Math.abs(withheld / count - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / count));
    }
  });

  test('a withheld segment is refused until it was demanded; the demand is then counted', () => {
    const holdout = new Holdout(0.5, 1);
    // Which of the two hundred is withheld first is chance, fixed by the seed.
    const rows = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 1000 + i));
    const script = Object.fromEntries(Array.from({ length: 200 }, (_, k) => [2 * k, [1000 + 2 * k + 1]]));
    const { site, prefetcher } = play({ rows, script, holdout });
    const { withheld, demanded, open } = holdout.counts;
    expect(withheld).toBeGreaterThan(60);
    expect(withheld + site.ledger.issued).toBe(200);
    expect(site.ledger.refusalCounts().heldOut).toBe(withheld);
    // Each is demanded right after it was named: those withheld are misses, those sent are not.
    expect(demanded).toBe(withheld);
    expect(open).toBe(0);
    expect(prefetcher.outcomes).toHaveLength(200 - withheld);
    expect(site.ledger.missClassCounts().throttled).toBe(withheld);
  });

  test('one that nobody demands ends with its horizon and may be staged again', () => {
    const holdout = new Holdout(0.5, 1);
    for (let position = 0; !holdout.withholds(7, position, 0.25); position++) expect(holdout.isHeld(7)).toBe(false);
    expect(holdout.isHeld(7)).toBe(true);
    holdout.expire(1000);
    expect(holdout.isHeld(7)).toBe(false);
    expect(holdout.counts).toMatchObject({ withheld: 1, demanded: 0, open: 0, expected: 0.25 });
  });

  test('a demand counts that comes later than forecast and before unused prefetches leave', () => {
    const holdout = new Holdout(0.5, 1);
    const at = (offset: number) => {
      let position = offset;
      while (!holdout.withholds(7, position, 0.25)) position++;
      return position;
    };
    holdout.observe(7, at(0) + 500, 64);
    expect(holdout.counts.demanded).toBe(0);
    for (let i = 0; i < 1000; i++) holdout.unused(2000);
    holdout.observe(7, at(10_000) + 500, 64);
    expect(holdout.counts.demanded).toBe(1);
  });

  test('counts as a list of those withheld does, also of segments that are withheld again right after their demand', () => {
    const step = fc.record({ segment: fc.nat(5), isDemand: fc.boolean(), skipped: fc.nat(3), p: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat(), (steps, seed) => {
        const horizon = 12;
        const holdout = new Holdout(0.5, seed);
        const withheld: { segment: number; at: number; p: number; end: 'open' | 'demanded' | 'over' }[] = [];
        let position = 0;
        for (const { segment, isDemand, skipped, p } of steps) {
          position += skipped;
          for (const one of withheld) if (one.end === 'open' && one.at < position - horizon) one.end = 'over';
          const held = withheld.find((one) => one.segment === segment && one.end === 'open');
          if (isDemand) {
            holdout.observe(segment, position, horizon);
            if (held !== undefined) held.end = 'demanded';
          } else {
            holdout.expire(position - horizon);
            expect(holdout.isHeld(segment)).toBe(held !== undefined);
            // A probability that is not stated counts for nothing.
            if (held === undefined && holdout.withholds(segment, position, p === 0 ? Number.NaN : p / 4))
              withheld.push({ segment, at: position, p: p / 4, end: 'open' });
          }
          const { demanded, open, expected } = holdout.counts;
          const of = (end: string) => withheld.filter((one) => one.end === end);
          expect([demanded, open]).toEqual([of('demanded').length, of('open').length]);
          expect(expected).toBe(withheld.reduce((sum, one) => (one.end === 'open' ? sum : sum + one.p), 0));
        }
      }),
    );
  });

  test('no more than 4,096 are withheld at once; when their horizon is over others are', () => {
    const holdout = new Holdout(0.5, 1);
    const withheldAt = (position: number): number => {
      const before = holdout.withheld;
      for (let segment = 0; segment < 20_000; segment++) holdout.withholds(segment, position, 0.5);
      return holdout.withheld - before;
    };
    expect([withheldAt(0), withheldAt(1), holdout.counts.open]).toEqual([4096, 0, 4096]);
    holdout.expire(1);
    expect([holdout.counts.open, holdout.counts.expected]).toEqual([0, 2048]);
    for (let segment = 0; segment < 20_000; segment++) expect(holdout.isHeld(segment)).toBe(false);
    expect(withheldAt(2)).toBe(4096);
  });

  test('its share is a setting of a replay, told in the result, and agrees with what was used of those sent', async () => {
    const run = async (share: number) => {
      const { result } = await replay({
        traces: ['workload:chains,segments=1000,accesses=40000'],
        latency: '0',
        unit: 'segments',
        trafficMax: [null],
        cache: '0.1',
        config: replayConfigSchema.parse({ holdout: { share } }),
      });
      return result.runs.find(({ prefetch }) => prefetch === 'anteroom')!;
    };
    const none = await run(0);
    expect(none.holdout).toBeNull();
    const some = await run(0.05);
    expect(some.digest).not.toBe(none.digest);
    const { withheld, demanded, open } = some.holdout!;
    expect(withheld / (withheld + some.prefetches.issued)).toBeCloseTo(0.05, 1);
    expect(demanded / (withheld - open)).toBeCloseTo(some.precision!, 0);
    expect((await run(0.01)).misses).toBeLessThan(some.misses);
  });
});
