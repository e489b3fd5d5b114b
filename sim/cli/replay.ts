/** `anteroom replay`: what would prefetching have done on this log? */

import type { Command } from 'commander';
import { splitPrefetchList } from '../baselines/prefetch-spec.ts';
import { parseTrafficMaxes } from '../replay/plan-runs.ts';
import type { ReplayOptions, ReplayOutcome } from '../replay/replay.ts';
import type { RunResult } from '../replay/result.ts';
import { commandLine } from './command-line.ts';
import { addReadingOptions, type ReadingFlags, readingOptions } from './reading-options.ts';
import { type ResultFlags, writeResult, writeWarnings } from './result-places.ts';
import { nonNegativeInteger, positiveInteger } from './whole-number.ts';

interface ReplayFlags extends ReadingFlags, ResultFlags {
  readonly cache: string;
  readonly evict: string;
  readonly prefetch: string;
  readonly trafficMax: string;
  readonly warmup: number;
  readonly jobs?: number;
}

export function registerReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('replay access logs through caches with and without prefetching, and compare')
    .argument('<trace...>', 'files (- for standard input), or built-in workloads as workload:NAME,parameter=value')
    .option('--cache <list>', 'cache sizes: shares of the trace (0.01), segments (5000) or bytes (64MiB)', '0.01,0.1')
    .option(
      '--evict <list>',
      'eviction policies: auto, lru, fifo, clock, sieve, s3-fifo, arc, lirs, w-tinylfu, gdsf, hazard, belady',
      'auto',
    )
    .option(
      '--prefetch <list>',
      'prefetchers: none, anteroom, mithril, pg, obl, clairvoyant; settings as pg:lookahead-range=2',
      'none,anteroom',
    )
    .option('--traffic-max <list>', 'bounds on fetches relative to the reference, a run each; none = no bound', '1.3')
    .option('--warmup <n>', 'accesses before counting begins', nonNegativeInteger, 0);
  addReadingOptions(command)
    .optionsGroup('The result:')
    .option('--json <file>', 'write the result as JSON; - for standard output, instead of the table')
    .option('--report <file>', 'write one self-contained HTML page')
    .option('--quiet', 'no table, no progress, no warnings')
    .option(
      '--jobs <n>',
      'runs made at once, fewer where memory does not allow; results do not depend on it; default one a core where that pays',
      positiveInteger,
    )
    .addHelpText(
      'after',
      `
Examples:
  anteroom replay access.log
  anteroom replay access.log --cache 0.01,0.1 --prefetch none,anteroom,mithril,pg --report out.html
  anteroom replay trace.csv.gz --columns time=1,segment=3 --latency 50ms@20MB/sx32 --traffic-max 1.1,1.3 --json -`,
    )
    .action(async (traces: string[], flags: ReplayFlags) => {
      const { checkOptions, traceOptionsOf } = await import('../replay/check-options.ts');
      const { checkPlaces } = await import('./check-places.ts');
      const { startProgress } = await import('./progress.ts');
      const options: ReplayOptions = {
        ...(await readingOptions(traces, flags)),
        cache: flags.cache,
        evict: flags.evict.split(','),
        prefetch: splitPrefetchList(flags.prefetch),
        trafficMax: parseTrafficMaxes(flags.trafficMax),
        warmup: flags.warmup,
        jobs: flags.jobs ?? 'auto',
        onNotice: (notice) => {
          if (flags.quiet !== true) process.stderr.write(`${notice}\n`);
        },
        wantsInsight: flags.report !== undefined,
      };
      checkOptions(options);
      await checkPlaces(traces, traceOptionsOf(options), flags);
      const progress = await startProgress(flags.quiet === true);
      let outcome: ReplayOutcome;
      let failure: unknown;
      try {
        ({ outcome, failure } = await replayUpTo({ ...options, onProgress: progress.update }));
      } finally {
        progress.stop();
      }
      if (outcome.result.runs.length > 0) await present(outcome, flags, commandLine(process.argv.slice(2)));
      if (failure !== undefined) throw failure;
    });
}

/** Replays one trace after the other; where one fails, what the ones before it gave is not lost. */
async function replayUpTo(
  options: ReplayOptions,
): Promise<{ readonly outcome: ReplayOutcome; readonly failure: unknown }> {
  const { replay } = await import('../replay/replay.ts');
  const parts: ReplayOutcome[] = [await replay({ ...options, traces: options.traces.slice(0, 1) })];
  let failure: unknown;
  try {
    const rest = new Set(options.traces);
    rest.delete(options.traces[0]!);
    for (const name of rest) parts.push(await replay({ ...options, traces: [name] }));
  } catch (error) {
    failure = error ?? new Error('nothing was thrown');
  }
  const outcome: ReplayOutcome = {
    result: { ...parts[0]!.result, runs: parts.flatMap((part) => part.result.runs) },
    details: parts.flatMap((part) => part.details),
    insights: parts.flatMap((part) => part.insights),
    warnings: parts.flatMap((part) => part.warnings),
  };
  return { outcome, failure };
}

/** Prints and writes an outcome. `command` reproduces it. @throws as `writeResult`. */
export async function present(outcome: ReplayOutcome, to: ResultFlags, command: string): Promise<void> {
  const { runs } = outcome.result;
  writeWarnings(outcome.warnings, to);
  await writeResult(to, {
    json: outcome.result,
    text: async () => {
      const { replayTable } = await import('../report/table.ts');
      return `${replayTable(runs, process.stdout.isTTY ? process.stdout.columns : undefined)}${await verdictLines(runs)}`;
    },
    page: async () => {
      const { reportPage } = await import('../report/page.ts');
      return reportPage({ ...outcome, command });
    },
  });
}

/** One line for each trace and cache size that the engine was replayed on. */
async function verdictLines(runs: readonly RunResult[]): Promise<string> {
  const { verdictLine, verdicts } = await import('../report/summary.ts');
  const { shortTraceNames } = await import('../report/trace-names.ts');
  const names = shortTraceNames(runs.map((run) => run.trace));
  const lines = verdicts(runs)
    .filter((verdict) => verdict.answer !== 'none')
    .map((verdict) => verdictLine(verdict, names.get(verdict.trace)!));
  const { queueingSentence } = await import('../report/queueing.ts');
  for (const [trace, name] of names) {
    const queueing = queueingSentence(runs.filter((run) => run.trace === trace));
    if (queueing !== '') lines.push(`${name}: ${queueing}`);
  }
  const { governorLine } = await import('../report/governor-text.ts');
  const governor = governorLine(runs);
  if (governor !== '') lines.push(governor);
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}
