/** `npm run bench:when`: how well the engine knows when data will be needed, against published ways to know it. */

import { commandOptions, option, text, traceFolder } from './command-options.ts';
import { demandErrors, demandGoals } from './when-demand.ts';
import { compareKeepAlive } from './when-keep-alive.ts';

const values = commandOptions('bench:when', { shared: option('../shared', text) });
const folder = traceFolder('bench:when', values.shared);

process.stdout.write('Total demand of the next hour: mean absolute error of each way to forecast it.\n\n');
process.stdout.write('| trace | part | hours | last hour | last day | last week | anteroom | of last hour | goal |\n');
process.stdout.write('|---|---|--:|--:|--:|--:|--:|--:|---|\n');
for (const goal of demandGoals) {
  for (const { trace, part, hours, errors, ratio, isMet } of await demandErrors(folder, goal)) {
    const cells = ['last hour', 'last day', 'last week', 'anteroom'].map((name) => shown(errors[name]!));
    const verdict = `<= ${goal.ratioMax.toFixed(2)}: ${isMet ? 'met' : 'MISSED'}`;
    process.stdout.write(
      `| ${trace} | ${part} | ${hours} | ${cells.join(' | ')} | ${ratio.toFixed(3)} | ${verdict} |\n`,
    );
  }
}

process.stdout.write(
  '\nFunctions of serverless_azf_a: cold starts of each policy, and of the predictor in the same memory time.\n\n',
);
process.stdout.write(
  '| part | policy | function-minutes held | cold starts | anteroom | of the policy | at a price of | loads ahead | goal |\n',
);
process.stdout.write('|---|---|--:|--:|--:|--:|--:|--:|---|\n');
for (const { part, policy, minutes, coldStarts, ours, price, prewarms } of await compareKeepAlive(folder)) {
  const cells = [
    minutes,
    coldStarts,
    ours.toFixed(0),
    (ours / coldStarts).toFixed(3),
    price.toFixed(4),
    prewarms.toFixed(0),
  ];
  process.stdout.write(
    `| ${part} | ${policy} | ${cells.join(' | ')} | < 1: ${ours < coldStarts ? 'met' : 'MISSED'} |\n`,
  );
}

function shown(error: number): string {
  return error >= 1000 ? error.toFixed(0) : error.toFixed(2);
}
