/** `anteroom replay`: what would prefetching have done on this log? */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { ColumnRole, FormatOptions } from '../../streams/format.ts';
import { splitPrefetchList } from '../baselines/prefetch-spec.ts';
import { parseTrafficMaxes } from '../replay/plan-runs.ts';
import type { ReplayOptions, ReplayOutcome } from '../replay/replay.ts';
import type { RunResult } from '../replay/result.ts';

/** Options as commander hands them over. */
interface ReplayFlags {
  readonly format: string;
  readonly cache: string;
  readonly evict: string;
  readonly prefetch: string;
  readonly unit?: 'segments' | 'bytes';
  readonly latency?: string;
  readonly trafficMax: string;
  readonly addresses?: number;
  readonly writes: WritePolicy;
  readonly columns?: string;
  readonly delimiter?: string;
  readonly header?: boolean;
  readonly timeUnit?: 's' | 'ms' | 'us' | 'ns';
  readonly lenient?: boolean;
  readonly warmup: number;
  readonly limit?: number;
  readonly seed: number;
  readonly config?: string;
  readonly json?: string;
  readonly report?: string;
  readonly quiet?: boolean;
}

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('replay access logs through caches with and without prefetching, and compare')
    .argument('<trace...>', 'files (- for standard input), or built-in workloads as workload:NAME,parameter=value')
    .option('--format <name>', 'format of the traces; anteroom formats lists them', 'auto')
    .option('--cache <list>', 'cache sizes: shares of the trace (0.01), segments (5000) or bytes (64MiB)', '0.01,0.1')
    .option(
      '--evict <list>',
      'eviction policies: auto, lru, fifo, clock, sieve, s3-fifo, arc, lirs, w-tinylfu, gdsf, belady',
      'auto',
    )
    .option(
      '--prefetch <list>',
      'prefetchers: none, anteroom, mithril, pg, obl, clairvoyant; settings as pg:lookahead-range=2',
      'none,anteroom',
    )
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
    .option('--traffic-max <list>', 'bounds on fetches relative to the reference, a run each; none = no bound', '1.3')
    .option('--addresses <bytes>', 'segments are addresses in units of that many bytes', positiveInteger)
    .addOption(
      new Option('--writes <policy>', 'what writes do').choices(['access', 'invalidate', 'ignore']).default('access'),
    )
    .option('--columns <list>', 'CSV, NDJSON: which column holds what, as segment=url,time=3')
    .option('--delimiter <character>', 'CSV: what stands between columns')
    .option('--no-header', 'CSV: the first line is a record already')
    .addOption(new Option('--time-unit <unit>', 'CSV, NDJSON: unit of numeric times').choices(['s', 'ms', 'us', 'ns']))
    .option('--lenient', 'count bad records, list the first ten, and go on')
    .option('--warmup <n>', 'accesses before counting begins', nonNegativeInteger, 0)
    .option('--limit <n>', 'read no more than that many accesses', positiveInteger)
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .option('--config <file>', 'prices and limits, as YAML')
    .option('--json <file>', 'write the result as JSON; - for standard output, instead of the table')
    .option('--report <file>', 'write one self-contained HTML page')
    .option('--quiet', 'no table, no progress, no warnings')
    .action(async (traces: string[], flags: ReplayFlags) => {
      const { replay } = await import('../replay/replay.ts');
      const { readConfigFile } = await import('./config-file.ts');
      const { startProgress } = await import('./progress.ts');
      const config = flags.config === undefined ? undefined : await readConfigFile(flags.config);
      const progress = startProgress(flags.quiet === true);
      let outcome: ReplayOutcome;
      try {
        outcome = await replay({
          ...replayOptions(traces, flags),
          ...(config === undefined ? {} : { config }),
          onProgress: progress.update,
        });
      } finally {
        progress.stop();
      }
      await present(outcome, {
        ...(flags.json === undefined ? {} : { json: flags.json }),
        ...(flags.report === undefined ? {} : { report: flags.report }),
        isQuiet: flags.quiet === true,
        command: commandLine(process.argv.slice(2)),
      });
    });
}

/** Where the outcome of a replay goes. */
export interface Presentation {
  readonly json?: string;
  readonly report?: string;
  readonly isQuiet: boolean;
  /** The command that reproduces it. */
  readonly command: string;
}

/** Prints and writes an outcome: the result to standard output, everything else to standard error. */
export async function present(outcome: ReplayOutcome, to: Presentation): Promise<void> {
  const { writeTextFile } = await import('../../engine/host/text-file.ts');
  if (!to.isQuiet) for (const warning of outcome.warnings) process.stderr.write(`${warning}\n`);
  if (to.report !== undefined) {
    const { reportPage } = await import('../report/page.ts');
    await writeTextFile(to.report, await reportPage({ ...outcome, command: to.command }));
    if (!to.isQuiet) process.stderr.write(`report: ${to.report}\n`);
  }
  const json = `${JSON.stringify(outcome.result, null, 2)}\n`;
  if (to.json !== undefined && to.json !== '-') await writeTextFile(to.json, json);
  if (to.json === '-') process.stdout.write(json);
  else if (!to.isQuiet) {
    const { replayTable } = await import('../report/table.ts');
    process.stdout.write(`${replayTable(outcome.result.runs)}${await verdictLines(outcome.result.runs)}`);
  }
}

/** One line for each trace and cache size that the engine was replayed on. */
async function verdictLines(runs: readonly RunResult[]): Promise<string> {
  const { verdictLine, verdicts } = await import('../report/summary.ts');
  const { shortTraceNames } = await import('../report/trace-names.ts');
  const names = shortTraceNames(runs.map((run) => run.trace));
  const lines = verdicts(runs)
    .filter((verdict) => verdict.answer !== 'none')
    .map((verdict) => verdictLine(verdict, names.get(verdict.trace)!));
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

function replayOptions(traces: readonly string[], flags: ReplayFlags): ReplayOptions & { traces: readonly string[] } {
  const formatOptions: FormatOptions = {
    ...(flags.columns === undefined ? {} : { columns: parseColumns(flags.columns) }),
    ...(flags.delimiter === undefined ? {} : { delimiter: flags.delimiter === '\\t' ? '\t' : flags.delimiter }),
    ...(flags.header === false ? { hasHeader: false } : {}),
    ...(flags.timeUnit === undefined ? {} : { timeUnit: flags.timeUnit }),
  };
  return {
    traces,
    format: flags.format,
    formatOptions,
    cache: flags.cache,
    evict: flags.evict.split(','),
    prefetch: splitPrefetchList(flags.prefetch),
    ...(flags.unit === undefined ? {} : { unit: flags.unit }),
    ...(flags.latency === undefined ? {} : { latency: flags.latency }),
    trafficMax: parseTrafficMaxes(flags.trafficMax),
    ...(flags.addresses === undefined ? {} : { addresses: flags.addresses }),
    writes: flags.writes,
    ...(flags.lenient === undefined ? {} : { isLenient: flags.lenient }),
    warmup: flags.warmup,
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    seed: flags.seed,
    wantsInsight: flags.report !== undefined,
  };
}

const ROLES: readonly ColumnRole[] = ['time', 'segment', 'consumer', 'site', 'op', 'size', 'weight'];

function parseColumns(text: string): Partial<Record<ColumnRole, string>> {
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

function positiveInteger(text: string): number {
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
function commandLine(words: readonly string[]): string {
  return [
    'npx anteroom',
    ...words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)),
  ].join(' ');
}
