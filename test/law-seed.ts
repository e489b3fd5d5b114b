/** Properties draw the same cases in every run, so that a change is judged by what it did; `ANTEROOM_LAW_SEED=random` draws new ones, a number those of that seed. */

import fc from 'fast-check';

const asked = process.env.ANTEROOM_LAW_SEED ?? '1';
if (asked !== 'random') {
  const seed = Number(asked);
  if (!Number.isSafeInteger(seed)) {
    throw new Error(`ANTEROOM_LAW_SEED is a whole number or random, not ${JSON.stringify(asked)}`);
  }
  fc.configureGlobal({ seed });
}
