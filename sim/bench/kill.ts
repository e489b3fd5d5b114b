/** `npm run bench:kill`: many rounds of kill -9 under load, and what was lost or counted twice (nothing may be). */

import { fileURLToPath } from 'node:url';
import { Xoshiro128 } from '../../engine/random.ts';
import { commandOptions, option, wholeFrom } from './command-options.ts';
import { killRounds } from './kill-rounds.ts';

const values = commandOptions('bench:kill', {
  rounds: option('200', wholeFrom(1)),
  seed: option('1', wholeFrom(0)),
  life: option('700', wholeFrom(1)),
});
const result = await killRounds({
  rounds: values.rounds,
  random: new Xoshiro128(values.seed),
  main: fileURLToPath(new URL('../cli/main.js', import.meta.url)),
  producers: 8,
  rowsPerPost: 20,
  lifeMsMax: values.life,
  onRound: (round) => {
    if (round % 10 === 0) process.stderr.write(`${round} rounds\n`);
  },
});
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (result.missing + result.twice + result.engineDifference > 0) process.exitCode = 1;
