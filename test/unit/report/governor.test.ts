import { describe, expect, test } from 'vitest';
import { liftOf } from '../../../actors/cache-manager/governor-state.ts';
import type { RunGovernor } from '../../../sim/replay/run-governor.ts';
import { governorSection } from '../../../sim/report/governor-section.ts';
import { governorLine } from '../../../sim/report/governor-text.ts';
import { missCausesFigure } from '../../../sim/report/miss-causes.ts';
import { runOf } from './run-of.ts';

const governor: RunGovernor = {
  missBound: { excessMax: 0.001, allowance: 64, slack: 41.8, breaches: 0, excess: 12 },
  ghost: { kind: 'whole', rate: 1, confidence: null, isEstimate: false, misses: 400, error: 0 },
  trafficHeadroom: 7.9,
  throttledShare: 0.2,
  lift: { withheld: 200, share: 0.4, low: 0.33, high: 0.47, forecast: 0.42 },
  experts: [
    { name: 'successor', issued: 150, used: 100, trust: 0.9, isOff: false, turnedOff: 0, turnedOn: 0, refused: 0 },
    { name: 'hint<b>', issued: 50, used: 2, trust: 0.1, isOff: true, turnedOff: 2, turnedOn: 1, refused: 40 },
  ],
  consumers: { known: 30, doubted: 2, lowered: 17 },
};
const run = runOf({
  prefetch: 'anteroom',
  trafficMax: 1.3,
  missExcess: 12,
  refusals: { throttled: 10, distrusted: 40, budget: 3 },
  governor,
});

describe('the governor in the report', () => {
  test('says in a terminal how far misses stood above, what was refused for it, who was turned off, and the lift', () => {
    expect(governorLine([runOf(), run])).toBe(
      'governor: Misses never stood more than 12 above those of the same cache without prefetching; to keep that bound 20 % of the prefetches were refused. Turned off for a while because they misled: hint<b>. Of 200 prefetches withheld by chance 40 % would have avoided a miss.',
    );
  });

  test('"never more than 0 above" and "0 % were refused" said in many words that nothing happened', () => {
    const quiet = { ...run, missExcess: 0, refusals: {}, governor: { ...governor, experts: [], lift: null } };
    expect(governorLine([quiet])).toBe(
      'governor: Misses never stood above those of the same cache without prefetching.',
    );
    const few = { ...quiet, refusals: { throttled: 1 }, prefetches: { ...run.prefetches, issued: 100_000 } };
    expect(governorLine([few])).toContain('; to keep that bound less than 0.1 % of the prefetches were refused.');
  });

  test('says nothing where nothing was governed', () => {
    expect(governorLine([runOf()])).toBe('');
    expect(governorSection([runOf()])).toBe('');
  });

  test('tells when a bound was passed', () => {
    const missBound = { ...governor.missBound!, breaches: 3 };
    const passed = { ...run, missBreaches: 3, governor: { ...governor, missBound } };
    expect(governorLine([passed])).toContain('stood above their bound at 3 moments');
    expect(governorSection([passed])).toContain('passed 3 times');
  });

  test('has in the page what is left of the bounds, the lift with its interval, experts and consumers', () => {
    const html = governorSection([run]);
    for (const text of ['<td>41</td>', '<td>7</td>', '50 (20 %)', '3 (1.5 %)', '40 % (33 % to 47 %) of 200']) {
      expect(html).toContain(text);
    }
    expect(html).toContain('hint&lt;b&gt; (10 % (10 segments), ≤1.3): turned off 2 times, on again 1 time');
    expect(html).toContain('Of 30 consumers with a record up to 2 were doubted');
    expect(html).not.toContain('hint<b>');
  });

  test('a log of one access had -1 requests still allowed and 1 misses left', () => {
    const html = governorSection([{ ...run, governor: { ...governor, trafficHeadroom: -1 } }]);
    expect(html).toContain('<td>41</td><td>0</td>');
    const one = runOf({ misses: 1, missClasses: { unseen: 1 } });
    expect(missCausesFigure([one])).toContain(': 1 miss left,');
  });

  test('consumers doubted for a while only were "up to 0 were doubted"', () => {
    const html = governorSection([
      { ...run, governor: { ...governor, consumers: { ...governor.consumers!, doubted: 0 } } },
    ]);
    expect(html).toContain(
      'None of the 30 consumers with a record was doubted at the end of a run; up to 17 forecasts',
    );
  });

  test('of a sample says so, with its share and confidence', () => {
    const ghost = { kind: 'sampled' as const, rate: 0.05, confidence: 0.99, isEstimate: false, misses: 390, error: 30 };
    const html = governorSection([{ ...run, governor: { ...governor, ghost } }]);
    expect(html).toContain('It watches 5 % of the segments.');
    expect(html).toContain('99 % confidence');
    expect(governorLine([{ ...run, governor: { ...governor, ghost } }])).toContain('estimated from a sample');
    const estimate = { ...governor, ghost: { ...ghost, isEstimate: true } };
    expect(governorSection([{ ...run, governor: estimate }])).toContain('not shown for this eviction');
    expect(governorLine([{ ...run, governor: estimate }])).toContain('no confidence is shown');
  });
});

describe('the lift by the holdout', () => {
  // Wilson's interval for 8 of 10 and for 0 of 10, as published calculators and R's prop.test(correct = FALSE) give it.
  test('has the interval of Wilson', () => {
    const lift = liftOf({ share: 0.01, withheld: 12, demanded: 8, open: 2, expected: 6 })!;
    expect(lift.low).toBeCloseTo(0.4901625, 6);
    expect(lift.high).toBeCloseTo(0.9433178, 6);
    expect(lift.forecast).toBeCloseTo(0.6, 12);
    const none = liftOf({ share: 0.01, withheld: 10, demanded: 0, open: 0, expected: 1 })!;
    expect(none.low).toBe(0);
    expect(none.high).toBeCloseTo(0.2775328, 6);
  });

  test('is unknown where nothing was withheld for its horizon', () => {
    expect(liftOf({ share: 0.01, withheld: 3, demanded: 0, open: 3, expected: 0 })).toBeNull();
  });
});
