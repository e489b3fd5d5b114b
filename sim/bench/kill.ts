/** `npm run bench:kill`: many rounds of kill -9 under load, and what was lost or counted twice (nothing may be). */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Xoshiro128 } from '../../engine/random.ts';
import { killRounds } from './kill-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    life: { type: 'string', default: '700' },
  },
});
const result = await killRounds({
  rounds: Number(values.rounds),
  random: new Xoshiro128(Number(values.seed)),
  main: fileURLToPath(new URL('../cli/main.js', import.meta.url)),
  producers: 8,
  rowsPerPost: 20,
  lifeMsMax: Number(values.life),
  onRound: (round) => {
    if (round % 10 === 0) process.stderr.write(`${round} rounds\n`);
  },
});
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (result.missing + result.twice + result.engineDifference > 0) process.exitCode = 1;
