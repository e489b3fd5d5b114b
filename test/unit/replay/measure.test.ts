import { describe, expect, test } from 'vitest';
import { Ledger } from '../../../actors/cache-manager/ledger.ts';
import { Outcome, type OutcomeCode } from '../../../actors/prefetcher.ts';
import { pricesSchema } from '../../../actors/prices.ts';
import { type MeasureContext, measure, runDetails } from '../../../sim/replay/measure.ts';

function ledgerOf(fields: Partial<Ledger>, outcomes: readonly OutcomeCode[] = []): Ledger {
  const ledger = Object.assign(new Ledger(), fields);
  for (const outcome of outcomes) ledger.settle(outcome, 0, Number.NaN);
  return ledger;
}

const freePrices = pricesSchema.parse({ secondOfWaiting: 0, gigabyteTransferred: 0, request: 0, gigabyteHour: 0 });

function contextOf(fields: Partial<MeasureContext> = {}): MeasureContext {
  return {
    baseline: ledgerOf({ accesses: 100, misses: 40, demandFetches: 40, demandBytes: 4000 }),
    reference: ledgerOf({ accesses: 100, misses: 50, demandFetches: 50, demandBytes: 5000 }),
    prices: freePrices,
    latencyUnit: 'ms',
    missPenaltyMs: 50,
    ...fields,
  };
}

/** 100 accesses of 100 bytes: 20 missed and 5 joined; 30 prefetches sent: 15 useful, 5 late, 4 wasted, 3 cancelled, 2 stale, 1 pending. */
function example(): Ledger {
  const of = (count: number, outcome: OutcomeCode): OutcomeCode[] => new Array<OutcomeCode>(count).fill(outcome);
  return ledgerOf(
    {
      accesses: 100,
      misses: 25,
      late: 5,
      bytesAccessed: 10_000,
      bytesMissed: 2500,
      demandFetches: 20,
      demandBytes: 2000,
      issued: 30,
      prefetchBytes: 3000,
      withdrawn: 7,
      baselineMisses: 40,
      coveredMisses: 18,
      pollutionMisses: 3,
    },
    [
      ...of(15, Outcome.useful),
      ...of(5, Outcome.late),
      ...of(4, Outcome.wasted),
      ...of(3, Outcome.cancelled),
      ...of(2, Outcome.stale),
      ...of(1, Outcome.pending),
    ],
  );
}

describe('measures', () => {
  test('every ratio is the one that its definition names', () => {
    const measures = measure(example(), contextOf());
    expect(measures).toMatchObject({
      hits: 75,
      misses: 25,
      missRatio: 0.25,
      byteMissRatio: 0.25,
      late: 5,
      baselineMisses: 40,
      referenceMisses: 50,
      prefetches: {
        issued: 30,
        useful: 15,
        late: 5,
        wasted: 4,
        cancelled: 3,
        stale: 2,
        pending: 1,
        withdrawn: 7,
        bytes: 3000,
      },
      precision: 20 / 30,
      coverage: 18 / 40,
      timeliness: 15 / 20,
      pollution: 3 / 100,
      trafficRatio: (20 + 30) / 50,
      trafficBytesRatio: (2000 + 3000) / 5000,
    });
  });

  test('a ratio without a denominator is null', () => {
    const nothing = measure(new Ledger(), contextOf({ baseline: new Ledger(), reference: new Ledger() }));
    expect(nothing).toMatchObject({
      missRatio: null,
      byteMissRatio: null,
      precision: null,
      coverage: null,
      timeliness: null,
      pollution: null,
      trafficRatio: null,
      trafficBytesRatio: null,
      latencyMs: { mean: null, p50: null, p90: null, p99: null },
      latencyRatio: null,
      netBenefit: null,
      calibration: null,
    });
  });

  test('issued but never used: precision 0, no timeliness', () => {
    const ledger = ledgerOf({ accesses: 1, issued: 1 }, [Outcome.wasted]);
    expect(measure(ledger, contextOf())).toMatchObject({ precision: 0, timeliness: null });
  });

  test('waits: mean and quantiles of demand accesses, and the mean over the baseline’s', () => {
    const ledger = example();
    for (let i = 0; i < 100; i++) ledger.waits.add(i < 80 ? 0 : i < 95 ? 40 : 80);
    const baseline = ledgerOf({ accesses: 100, misses: 40, demandFetches: 40 });
    for (let i = 0; i < 100; i++) baseline.waits.add(i < 60 ? 0 : 50);
    const measures = measure(ledger, contextOf({ baseline }));
    expect(measures.latencyMs).toEqual({ mean: 10, p50: 0, p90: 40, p99: 80 });
    expect(measures.latencyRatio).toBe(10 / 20);
  });

  test('where fetches land at once nobody waits, and there is nothing to compare', () => {
    expect(measure(example(), contextOf())).toMatchObject({
      latencyMs: { mean: 0, p50: 0, p90: 0, p99: 0 },
      latencyRatio: null,
    });
  });

  test('net benefit: time saved less extra requests, their bytes and the space', () => {
    const ledger = example();
    ledger.stagedByteMs = 5e9 * 3_600_000;
    for (let i = 0; i < 10; i++) ledger.waits.add(100);
    const baseline = ledgerOf({ accesses: 100, misses: 40, demandFetches: 40, demandBytes: 4000 });
    for (let i = 0; i < 30; i++) baseline.waits.add(100);
    const only = (prices: Record<string, number>) =>
      measure(
        ledger,
        contextOf({
          baseline,
          prices: { ...freePrices, ...prices },
        }),
      ).netBenefit;
    expect(only({ secondOfWaiting: 3 })).toBeCloseTo(3 * 2, 12); // 20 x 100 ms
    expect(only({ request: 1 })).toBe(-(20 + 30 - 40));
    expect(only({ gigabyteTransferred: 1e9 })).toBeCloseTo(-(2000 + 3000 - 4000), 9);
    expect(only({ gigabyteHour: 2 })).toBeCloseTo(-10, 12);
    expect(only({ secondOfWaiting: 3, request: 0.1 })).toBeCloseTo(6 - 1, 12);
  });

  test('without milliseconds an avoided miss is worth the penalty that is set', () => {
    const prices = { ...freePrices, secondOfWaiting: 1 };
    const benefit = (missPenaltyMs: number) =>
      measure(example(), contextOf({ prices, latencyUnit: 'requests', missPenaltyMs })).netBenefit;
    expect(benefit(1000)).toBeCloseTo(40 - 25, 12);
    expect(benefit(0)).toBe(0);
  });

  test('calibration is over used and wasted prefetches that came with a probability', () => {
    const ledger = new Ledger();
    ledger.accesses = 1;
    ledger.settle(Outcome.useful, 0, 0.8);
    ledger.settle(Outcome.wasted, 0, 0.8);
    ledger.settle(Outcome.late, 0, 0.4);
    ledger.settle(Outcome.cancelled, 0, 0.1);
    ledger.settle(Outcome.stale, 0, 0.1);
    ledger.settle(Outcome.pending, 0, 0.1);
    ledger.settle(Outcome.useful, 0, Number.NaN);
    const { calibration } = measure(ledger, contextOf());
    expect(calibration!.brier).toBeCloseTo((0.04 + 0.64 + 0.36) / 3, 12);
    // Bin .8-.9: two stated .8, one true, |1.6 - 1|; bin .4-.5: stated .4, true, |.4 - 1|.
    expect(calibration!.ece).toBeCloseTo((0.6 + 0.6) / 3, 12);
  });

  test('details name the experts and what became of what they asked for', () => {
    const ledger = example();
    ledger.issuedByExpert[1] = 9;
    ledger.usedByExpert[1] = 4;
    ledger.lateness.add(3);
    const details = runDetails(ledger, ['a', 'b']);
    expect(details.experts).toEqual([
      { name: 'a', issued: 0, used: 20 },
      { name: 'b', issued: 9, used: 4 },
    ]);
    expect(details.lateness).toEqual([{ wait: 3, count: 1 }]);
    expect(details.reliability).toHaveLength(10);
  });
});
