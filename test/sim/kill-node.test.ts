import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { Xoshiro128 } from '../../engine/random.ts';
import { killRounds } from '../../sim/bench/kill-rounds.ts';
import { skipUnless } from '../require-or-skip.ts';

const main = resolve(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
const isUnbuilt = skipUnless(existsSync(main), `${main} is absent: npm run build`);

/** 200 rounds: `npm run bench:kill`. */
const ROUNDS = 10;

test.skipIf(isUnbuilt)(
  `a node killed ${ROUNDS} times under load has lost nothing acknowledged and counted nothing twice`,
  async () => {
    const result = await killRounds({
      rounds: ROUNDS,
      random: new Xoshiro128(7),
      main,
      producers: 6,
      rowsPerPost: 20,
      lifeMsMax: 500,
    });
    expect(result).toMatchObject({ missing: 0, twice: 0, engineDifference: 0 });
    // The test is worth nothing where nothing was under way.
    expect(result.posts).toBeGreaterThan(20);
    expect(result.repeated).toBeGreaterThan(0);
  },
);
