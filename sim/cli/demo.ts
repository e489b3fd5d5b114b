/** `anteroom demo`: the built-in workloads, replayed; the first thing a new user runs. */

import type { Command } from 'commander';
import { present } from './replay.ts';
import { checkResultPlaces } from './result-places.ts';
import { nonNegativeInteger } from './whole-number.ts';

/** What the demo replays: something to learn, something that comes back by the hour, scans, and nothing to predict at all. */
const DEMO_TRACES = [
  'workload:chains,accesses=80000',
  'workload:diurnal,days=3',
  'workload:scans,accesses=80000',
  'workload:uniform,accesses=40000',
];

const DEMO_PREFETCHERS = ['none', 'anteroom', 'mithril'];

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('replay the built-in workloads, print the table and write an HTML report')
    .option('--report <file>', 'where the HTML page goes', 'anteroom-report.html')
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .action(async (flags: { report: string; seed: number }) => {
      await checkResultPlaces(flags);
      const { replay } = await import('../replay/replay.ts');
      const { startProgress } = await import('./progress.ts');
      const progress = await startProgress(false);
      const command = `npx anteroom replay ${DEMO_TRACES.join(' ')} --unit segments --prefetch ${DEMO_PREFETCHERS.join(',')} --seed ${flags.seed} --report ${flags.report}`;
      try {
        const outcome = await replay({
          traces: DEMO_TRACES,
          prefetch: DEMO_PREFETCHERS,
          // Where every segment counts as one, the cache is the same for all; by bytes, small ones would be worth keeping everywhere.
          unit: 'segments',
          seed: flags.seed,
          jobs: 'auto',
          wantsInsight: true,
          onProgress: progress.update,
        });
        progress.stop();
        await present(outcome, { report: flags.report }, command);
      } finally {
        progress.stop();
      }
      process.stdout.write(
        `\nThe report is in ${flags.report}: open it in a browser, it needs no network.\n` +
          `The same again:\n  ${command}\nYour own log:\n  npx anteroom replay access.log --report report.html\nWould it pay there?\n  npx anteroom prove access.log\n`,
      );
    });
}
