/** A node that is offered more than it can do refuses by name, stays ready, and loses nothing that it acknowledged. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { overload } from '../../sim/bench/overload-run.ts';
import { skipUnless } from '../require-or-skip.ts';

const main = join(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
const isUnbuilt = skipUnless(existsSync(main), `${main} is absent: npm run build`);

test.skipIf(isUnbuilt)(
  'at twice its rate a node stays ready, refuses by name, and keeps all that it acknowledged',
  async () => {
    const queueBytesMax = 512 * 1024;
    const result = await overload({
      main,
      findSeconds: 2,
      quietSeconds: 1,
      overloadSeconds: 3,
      rowsPerPost: 400,
      queueBytesMax,
    });
    expect(result.acknowledged).toBeGreaterThan(0);
    expect(result.logged).toBe(result.acknowledged);
    expect(result.told).toBe(result.acknowledged);
    expect(result.learned).toBe(result.acknowledged);
    expect(result.notReady).toBe(0);
    expect(result.ready).toBeGreaterThan(0);
    // Whatever was refused was refused for one reason, and told when to come back.
    const { '200': _, ...refused } = result.answers;
    for (const name of Object.keys(refused)) expect(name).toBe('429 limit');
    expect(result.withRetryAfter).toBe(refused['429 limit'] ?? 0);
    if (process.platform === 'linux') expect(result.residentMBMax).toBeLessThan(1500);
  },
  60_000,
);
