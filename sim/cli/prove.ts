/** `anteroom prove`: from a log to a recommendation. */

import { type Command, Option } from 'commander';
import type { ProveOptions, ProveOutcome } from '../prove/prove.ts';
import { parseTrafficMaxes } from '../replay/plan-runs.ts';
import { commandLine } from './command-line.ts';
import { addReadingOptions, type ReadingFlags, readingOptions } from './reading-options.ts';
import { type ResultFlags, writeResult, writeWarnings } from './result-places.ts';
import { nonNegativeInteger } from './whole-number.ts';

interface ProveFlags extends ReadingFlags, ResultFlags {
  readonly cache: string;
  readonly evict: string;
  readonly trafficMax: string;
  readonly level: NonNullable<ProveOptions['level']>;
  readonly warmup?: number;
}

export function registerProve(program: Command): void {
  const command = program
    .command('prove')
    .description(
      'say whether prefetching would pay on a log: what it saves, with intervals, at which bound, on which traffic',
    )
    .argument('<log...>', 'files (- for standard input), or built-in workloads as workload:NAME,parameter=value')
    .option('--cache <list>', 'cache sizes: shares of the log (0.01), segments (5000) or bytes (64MiB)', '0.01,0.1')
    .option('--evict <policy>', 'the eviction, with and without prefetching', 'auto')
    .option('--traffic-max <list>', 'bounds on fetches to choose from; none = no bound', '1,1.1,1.3')
    .addOption(
      new Option('--level <level>', 'of the intervals, two-sided')
        .choices(['0.8', '0.9', '0.95', '0.99'])
        .default('0.9'),
    )
    .option('--warmup <n>', 'accesses that are only learned from; default a fifth of the log', nonNegativeInteger);
  addReadingOptions(command)
    .optionsGroup('The result:')
    .option('--json <file>', 'write the result as JSON; - for standard output, instead of the text')
    .option('--report <file>', 'write one self-contained HTML page')
    .option('--quiet', 'no text, no progress, no warnings')
    .addHelpText(
      'after',
      `
Examples:
  anteroom prove access.log
  anteroom prove access.log --cache 64MiB --report proof.html`,
    )
    .action(async (traces: string[], flags: ProveFlags) => {
      const { checkOptions, traceOptionsOf } = await import('../replay/check-options.ts');
      const { checkPlaces } = await import('./check-places.ts');
      const { startProgress } = await import('./progress.ts');
      const options: ProveOptions = {
        ...(await readingOptions(traces, flags)),
        cache: flags.cache,
        evict: flags.evict,
        trafficMax: parseTrafficMaxes(flags.trafficMax),
        level: flags.level,
        ...(flags.warmup === undefined ? {} : { warmup: flags.warmup }),
      };
      checkOptions({ ...options, evict: [flags.evict] });
      await checkPlaces(traces, traceOptionsOf({ ...options, evict: [] }), flags);
      const progress = await startProgress(flags.quiet === true);
      let proven: Awaited<ReturnType<typeof proveUpTo>>;
      try {
        proven = await proveUpTo({ ...options, onProgress: progress.update });
      } finally {
        progress.stop();
      }
      await present(proven.outcome, flags);
      if (proven.failure !== undefined) throw proven.failure;
    });
}

/** Proves one log after the other; where one fails, what the ones before it gave is not lost. */
async function proveUpTo(
  options: ProveOptions,
): Promise<{ readonly outcome: ProveOutcome; readonly failure: unknown }> {
  const { prove } = await import('../prove/prove.ts');
  const [first, ...rest] = new Set(options.traces);
  const parts = [await prove({ ...options, traces: [first!] })];
  let failure: unknown;
  try {
    for (const name of rest) parts.push(await prove({ ...options, traces: [name] }));
  } catch (error) {
    failure = error ?? new Error('nothing was thrown');
  }
  const traces = parts.flatMap((part) => part.result.traces);
  const warnings = parts.flatMap((part) => part.warnings);
  return { outcome: { result: { ...parts[0]!.result, traces }, warnings }, failure };
}

async function present({ result, warnings }: ProveOutcome, flags: ProveFlags): Promise<void> {
  writeWarnings(warnings, flags);
  await writeResult(flags, {
    json: result,
    text: async () => (await import('../prove/proof-table.ts')).proofText(result),
    page: async () => (await import('../prove/proof-page.ts')).proofPage(result, commandLine(process.argv.slice(2))),
  });
}
