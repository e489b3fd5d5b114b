/** `anteroom replay`: what would prefetching have done on this log? */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { ColumnRole, FormatOptions } from '../../streams/format.ts';
import { splitPrefetchList } from '../baselines/prefetch-spec.ts';
import { parseTrafficMaxes } from '../replay/plan-runs.ts';
import type { ReplayOptions, ReplayOutcome } from '../replay/replay.ts';
import type { RunResult } from '../replay/result.ts';

/** Options, as commander hands them over, that say how a log is read and what its fetches are like. */
export interface ReadingFlags {
  readonly format: string;
  readonly unit?: 'segments' | 'bytes';
  readonly latency?: string;
  readonly addresses?: number;
  readonly writes: WritePolicy;
  readonly columns?: string;
  readonly delimiter?: string;
  readonly header?: boolean;
  readonly timeUnit?: 's' | 'ms' | 'us' | 'ns';
  readonly lenient?: boolean;
  readonly limit?: number;
  readonly seed: number;
  readonly config?: string;
}

interface ReplayFlags extends ReadingFlags {
  readonly cache: string;
  readonly evict: string;
  readonly prefetch: string;
  readonly trafficMax: string;
  readonly warmup: number;
  readonly json?: string;
  readonly report?: string;
  readonly quiet?: boolean;
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
    .option(
      '--jobs <n>',
      'runs made at once, fewer where memory does not allow; results do not depend on it; default one a core',
      positiveInteger,
    )
    .option('--json <file>', 'write the result as JSON; - for standard output, instead of the table')
    .option('--report <file>', 'write one self-contained HTML page')
    .option('--quiet', 'no table, no progress, no warnings')
    .action(async (traces: string[], flags: ReplayFlags) => {
      const { checkOptions, traceOptionsOf } = await import('../replay/replay.ts');
      const { coreCount } = await import('../../engine/host/process-usage.ts');
      const { checkPlaces } = await import('./check-places.ts');
      const { startProgress } = await import('./progress.ts');
      const options: ReplayOptions = {
        ...(await readingOptions(traces, flags)),
        cache: flags.cache,
        evict: flags.evict.split(','),
        prefetch: splitPrefetchList(flags.prefetch),
        trafficMax: parseTrafficMaxes(flags.trafficMax),
        warmup: flags.warmup,
        jobs: flags.jobs ?? coreCount(),
        wantsInsight: flags.report !== undefined,
      };
      checkOptions(options);
      await checkPlaces(traces, traceOptionsOf(options), [flags.json, flags.report]);
      const progress = startProgress(flags.quiet === true);
      let outcome: ReplayOutcome;
      let failure: unknown;
      try {
        ({ outcome, failure } = await replayUpTo({ ...options, onProgress: progress.update }));
      } finally {
        progress.stop();
      }
      if (outcome.result.runs.length > 0) {
        await present(outcome, {
          ...(flags.json === undefined ? {} : { json: flags.json }),
          ...(flags.report === undefined ? {} : { report: flags.report }),
          isQuiet: flags.quiet === true,
          command: commandLine(process.argv.slice(2)),
        });
      }
      if (failure !== undefined) throw failure;
    });
}

/** Adds the options behind `ReadingFlags`. */
export function addReadingOptions(command: Command): Command {
  return command
    .option('--format <name>', 'format of the traces; anteroom formats lists them', 'auto')
    .addOption(
      new Option(
        '--unit <unit>',
        'count cache space in segments or in bytes; default bytes where the trace has sizes',
      ).choices(['segments', 'bytes']),
    )
    .option(
      '--latency <spec>',
      'how long fetches take: 0, 4req, 50ms, 50ms@20MB/sx32, lognormal:50ms:0.5@20MB/sx32; default 50ms@100MB/sx32, 8req without times',
    )
    .option('--addresses <bytes>', 'segments are addresses in units of that many bytes', positiveInteger)
    .addOption(
      new Option('--writes <policy>', 'what writes do').choices(['access', 'invalidate', 'ignore']).default('access'),
    )
    .option('--columns <list>', 'CSV, NDJSON: which column holds what, as segment=url,time=3')
    .option('--delimiter <character>', 'CSV: what stands between columns')
    .option('--no-header', 'CSV: the first line is a record already')
    .addOption(new Option('--time-unit <unit>', 'CSV, NDJSON: unit of numeric times').choices(['s', 'ms', 'us', 'ns']))
    .option('--lenient', 'count bad records, list the first ten, and go on')
    .option('--limit <n>', 'read no more than that many accesses', positiveInteger)
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .option('--config <file>', 'prices and limits, as YAML');
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

/** Where the outcome of a replay goes. */
export interface Presentation {
  readonly json?: string;
  readonly report?: string;
  readonly isQuiet: boolean;
  /** The command that reproduces it. */
  readonly command: string;
}

/**
 * Prints and writes an outcome: the result to standard output first, everything else to standard error. A file that cannot be
 * written after all (a full disk) keeps nothing else from being written.
 * @throws the first fault, when all is done.
 */
export async function present(outcome: ReplayOutcome, to: Presentation): Promise<void> {
  const { writeTextFile } = await import('../../engine/host/text-file.ts');
  if (!to.isQuiet) for (const warning of outcome.warnings) process.stderr.write(`${warning}\n`);
  const json = `${JSON.stringify(outcome.result, null, 2)}\n`;
  if (to.json === '-') process.stdout.write(json);
  else if (!to.isQuiet) {
    const { replayTable } = await import('../report/table.ts');
    process.stdout.write(`${replayTable(outcome.result.runs)}${await verdictLines(outcome.result.runs)}`);
  }
  const { json: jsonPath, report } = to;
  await allOf([
    async () => {
      if (jsonPath !== undefined && jsonPath !== '-') await writeTextFile(jsonPath, json);
    },
    async () => {
      if (report === undefined) return;
      const { reportPage } = await import('../report/page.ts');
      await writeTextFile(report, await reportPage({ ...outcome, command: to.command }));
      if (!to.isQuiet) process.stderr.write(`report: ${report}\n`);
    },
  ]);
}

/** Does everything, one after the other, and throws the first fault only then. */
export async function allOf(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw faults[0];
}

/** One line for each trace and cache size that the engine was replayed on. */
async function verdictLines(runs: readonly RunResult[]): Promise<string> {
  const { verdictLine, verdicts } = await import('../report/summary.ts');
  const { shortTraceNames } = await import('../report/trace-names.ts');
  const names = shortTraceNames(runs.map((run) => run.trace));
  const lines = verdicts(runs)
    .filter((verdict) => verdict.answer !== 'none')
    .map((verdict) => verdictLine(verdict, names.get(verdict.trace)!));
  const { governorLine } = await import('../report/governor-text.ts');
  const governor = governorLine(runs);
  if (governor !== '') lines.push(governor);
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

/** What `ReadingFlags` mean. @throws AnteroomError as `readConfigFile` does, and 'bad-usage'. */
export async function readingOptions(traces: readonly string[], flags: ReadingFlags): Promise<ReplayOptions> {
  const formatOptions: FormatOptions = {
    ...(flags.columns === undefined ? {} : { columns: parseColumns(flags.columns) }),
    ...(flags.delimiter === undefined ? {} : { delimiter: flags.delimiter === '\\t' ? '\t' : flags.delimiter }),
    ...(flags.header === false ? { hasHeader: false } : {}),
    ...(flags.timeUnit === undefined ? {} : { timeUnit: flags.timeUnit }),
  };
  const { readConfigFile } = await import('./config-file.ts');
  return {
    traces,
    format: flags.format,
    formatOptions,
    ...(flags.unit === undefined ? {} : { unit: flags.unit }),
    ...(flags.latency === undefined ? {} : { latency: flags.latency }),
    ...(flags.addresses === undefined ? {} : { addresses: flags.addresses }),
    writes: flags.writes,
    ...(flags.lenient === undefined ? {} : { isLenient: flags.lenient }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    seed: flags.seed,
    ...(flags.config === undefined ? {} : { config: await readConfigFile(flags.config) }),
  };
}

const ROLES: readonly ColumnRole[] = ['time', 'segment', 'consumer', 'site', 'op', 'size', 'weight'];

export function parseColumns(text: string): Partial<Record<ColumnRole, string>> {
  const columns: Partial<Record<ColumnRole, string>> = {};
  for (const entry of text.split(',')) {
    const [role, column] = entry.split('=');
    const known = ROLES.find((name) => name === role);
    if (known === undefined || column === undefined || column === '') {
      throw new AnteroomError(
        'bad-usage',
        `--columns: expected ROLE=COLUMN with one of ${ROLES.join(', ')}, found "${entry}"`,
      );
    }
    columns[known] = column;
  }
  return columns;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1.');
  return value;
}

export function nonNegativeInteger(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('expected a whole number from 0.');
  }
  return value;
}

/** The command as one would type it again. */
export function commandLine(words: readonly string[]): string {
  return [
    'npx anteroom',
    ...words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)),
  ].join(' ');
}
