/** Properties draw the same cases in every run, so that a change is judged by what it did; `ANTEROOM_LAW_SEED=random` draws new ones, a number those of that seed. */

import fc from 'fast-check';
import { vi } from 'vitest';
import { drawn, lawShare } from './law-share.ts';

const asked = process.env.ANTEROOM_LAW_SEED ?? '1';
if (asked !== 'random') {
  const seed = Number(asked);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`ANTEROOM_LAW_SEED is a whole number or random, not ${JSON.stringify(asked)}`);
  }
  fc.configureGlobal({ seed });
}

/** Of fast-check's, when nobody says otherwise. */
const RUNS = 100;

// What a law says of its number of runs stands above any global setting, so a share has to be taken where it is heeded.
if (lawShare < 1) {
  vi.doMock('fast-check', async (original) => {
    const whole = await original<{ readonly default: typeof fc }>();
    const assert = <Ts>(property: fc.IRawProperty<Ts>, parameters: fc.Parameters<Ts> = {}) =>
      whole.default.assert(property, { ...parameters, numRuns: drawn(parameters.numRuns ?? RUNS) });
    return { ...whole, assert, default: { ...whole.default, assert } };
  });
}
