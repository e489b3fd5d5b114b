/** `anteroom hints`: what a log teaches of the order of accesses, as a file to start from. */

import type { Command } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import { printable } from '../../engine/printable.ts';
import { addLogOptions, type ReadingFlags, readingOptions } from './reading-options.ts';
import { writeWarnings } from './result-places.ts';
import { nonNegativeInteger, positiveInteger } from './whole-number.ts';

interface HintsFlags extends ReadingFlags {
  readonly count: number;
  readonly support: number;
  readonly confidence: string;
  readonly out: string;
  readonly quiet?: boolean;
}

export function registerHints(program: Command): void {
  const command = program
    .command('hints')
    .description('write what follows what in a log, to be given to another engine that has not learned it yet')
    .argument('<log>', 'a file (- for standard input), or a built-in workload as workload:NAME,parameter=value')
    .option('--count <n>', 'pairs of what follows what, at most, the strongest first', positiveInteger, 1000)
    .option('--support <n>', 'times that a pair was seen, at least, the older the less', positiveInteger, 4)
    .option('--confidence <share>', 'how often the second followed the first, at least', '0.3')
    .option('--seed <n>', 'seed of a workload', nonNegativeInteger, 1);
  addLogOptions(command)
    .optionsGroup('The result:')
    .option('--out <file>', 'where to write it as YAML; - for standard output', '-')
    .option('--quiet', 'no progress, no warnings')
    .addHelpText(
      'after',
      `
The file is one for --config of replay, prove and explain; a node takes what it holds under engine: in its node.yaml.

Examples:
  anteroom hints yesterday.log --out hints.yaml
  anteroom replay today.log --config hints.yaml`,
    )
    .action(async (log: string, flags: HintsFlags) => {
      const { traceOptionsOf } = await import('../replay/check-options.ts');
      const { checkPlaces } = await import('./check-places.ts');
      const { startProgress } = await import('./progress.ts');
      const confidenceMin = shareOf(flags.confidence);
      const options = await readingOptions([log], flags);
      await checkPlaces([log], traceOptionsOf(options), flags.out === '-' ? {} : { json: flags.out });
      const { openTrace } = await import('../replay/replay.ts');
      const { hintsText, learnHints } = await import('../replay/learn-hints.ts');
      const progress = await startProgress(flags.quiet === true);
      let text: string;
      let warnings: readonly string[];
      try {
        const trace = await openTrace(log, { ...options, onProgress: progress.update });
        try {
          const { traceWarnings } = await import('../replay/trace-warnings.ts');
          warnings = traceWarnings(trace, [], 0);
          const { count, support } = flags;
          const lists = await learnHints(trace, { writes: flags.writes, count, supportMin: support, confidenceMin });
          text = hintsText(
            lists,
            `What follows what in ${trace.name === '-' ? '<stdin>' : printable(trace.name)}: ${lists.length} lists.`,
          );
        } finally {
          await trace.close();
        }
      } finally {
        progress.stop();
      }
      writeWarnings(warnings, flags);
      if (flags.out === '-') process.stdout.write(text);
      else {
        const { writeTextFile } = await import('../../engine/host/text-file.ts');
        await writeTextFile(flags.out, text);
      }
    });
}

/** @throws AnteroomError 'bad-usage' for what is no share. */
function shareOf(text: string): number {
  const share = text.trim() === '' ? Number.NaN : Number(text);
  if (share >= 0 && share <= 1) return share;
  throw new AnteroomError('bad-usage', `--confidence: expected a share from 0 to 1, found "${text}"`);
}
