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
/** The test is worth nothing where nothing was under way; on a slow machine there are more rounds for it. */
const POSTS = 21;

test.skipIf(isUnbuilt)(
  `a node killed ${ROUNDS} times or more under load has lost nothing acknowledged and counted nothing twice`,
  async () => {
    const result = await killRounds({
      rounds: ROUNDS,
      postsMin: POSTS,
      random: new Xoshiro128(7),
      main,
      producers: 6,
      rowsPerPost: 20,
      lifeMsMax: 500,
    });
    expect(result).toMatchObject({ missing: 0, twice: 0, engineDifference: 0 });
    expect(result.posts).toBeGreaterThanOrEqual(POSTS);
    expect(result.repeated).toBeGreaterThan(0);
  },
);
