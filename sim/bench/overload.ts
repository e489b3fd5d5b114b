/** `npm run bench:overload`: a minute at twice the rate that a node can sustain, over loopback. */

import { fileURLToPath } from 'node:url';
import { commandOptions, option, wholeFrom } from './command-options.ts';
import { overload } from './overload-run.ts';

const values = commandOptions('bench:overload', {
  seconds: option('60', wholeFrom(1)),
  'queue-mb': option('32', wholeFrom(1)),
});
const result = await overload({
  main: fileURLToPath(new URL('../cli/main.js', import.meta.url)),
  findSeconds: 15,
  quietSeconds: 15,
  overloadSeconds: values.seconds,
  rowsPerPost: 500,
  queueBytesMax: values['queue-mb'] * 2 ** 20,
  onPhase: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
const isKept = result.acknowledged === result.logged && result.logged === result.told && result.told === result.learned;
if (!isKept || result.notReady > 0) process.exitCode = 1;
