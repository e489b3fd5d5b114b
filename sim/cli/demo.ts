/** `anteroom demo`: the built-in workloads, replayed; the first thing a new user runs. */

import type { Command } from 'commander';
import { nonNegativeInteger, present } from './replay.ts';

/** What the demo replays: something to gain, something to gain in time, and something where the honest answer is no. */
const DEMO_TRACES = [
  'workload:chains,accesses=120000',
  'workload:diurnal,consumers=150,days=10',
  'workload:scans,accesses=120000',
  'workload:flash-crowd,hours=24',
  'workload:uniform,accesses=60000',
];

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('replay the built-in workloads, print the table and write an HTML report')
    .option('--report <file>', 'where the HTML page goes', 'anteroom-report.html')
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .action(async (flags: { report: string; seed: number }) => {
      const { replay } = await import('../replay/replay.ts');
      const { startProgress } = await import('./progress.ts');
      const progress = startProgress(false);
      const prefetch = ['none', 'anteroom', 'mithril', 'pg', 'obl'];
      const command = `npx anteroom replay ${DEMO_TRACES.join(' ')} --cache 0.01,0.1 --prefetch ${prefetch.join(',')} --seed ${flags.seed} --report ${flags.report}`;
      try {
        const outcome = await replay({
          traces: DEMO_TRACES,
          prefetch,
          seed: flags.seed,
          wantsInsight: true,
          onProgress: progress.update,
        });
        progress.stop();
        await present(outcome, { report: flags.report, isQuiet: false, command });
      } finally {
        progress.stop();
      }
      process.stdout.write(
        `\nThe report is in ${flags.report}: open it in a browser, it needs no network.\n` +
          `The same again:  ${command}\n` +
          'Your own log:    npx anteroom replay access.log --report report.html\n',
      );
    });
}
