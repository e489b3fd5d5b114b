/** The options that say how a log is read and what fetches are like; `replay`, `prove` and `explain` share them, `hints` those of the log. */

import { type Command, Option } from 'commander';
import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { ColumnRole, FormatOptions } from '../../streams/format.ts';
import type { ReplayOptions } from '../replay/replay.ts';
import type { ReplayConfig } from '../replay/replay-config.ts';
import { nonNegativeInteger, positiveInteger } from './whole-number.ts';

/** As commander hands them over. */
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

export function addLogOptions(command: Command): Command {
  return command
    .optionsGroup('How the log is read:')
    .option('--format <name>', 'format of the traces; anteroom formats lists them', 'auto')
    .option('--columns <list>', 'CSV, NDJSON: which column holds what, as segment=url,time=3')
    .option('--delimiter <character>', 'CSV: what stands between columns')
    .option('--no-header', 'CSV: the first line is a record already')
    .addOption(new Option('--time-unit <unit>', 'CSV, NDJSON: unit of numeric times').choices(['s', 'ms', 'us', 'ns']))
    .option('--addresses <bytes>', 'segments are addresses in units of that many bytes', positiveInteger)
    .addOption(
      new Option('--writes <policy>', 'what writes do').choices(['access', 'invalidate', 'ignore']).default('access'),
    )
    .option('--lenient', 'count bad records, list the first ten, and go on')
    .option('--limit <n>', 'read no more than that many accesses', positiveInteger);
}

export function addReadingOptions(command: Command): Command {
  return addLogOptions(command)
    .optionsGroup('What it is played against:')
    .addOption(
      new Option(
        '--unit <unit>',
        'count cache space in segments or in bytes; default bytes where the trace has sizes',
      ).choices(['segments', 'bytes']),
    )
    .option(
      '--latency <spec>',
      'how long fetches take: 0, 4req, 50ms, 50ms@20MB/sx32, lognormal:50ms:0.5@20MB/sx32; default 50ms@100MB/sx32, 8req without times in order',
    )
    .option('--seed <n>', 'seed of every random choice', nonNegativeInteger, 1)
    .option('--config <file>', 'prices and limits, as YAML');
}

/** What `ReadingFlags` mean. @throws AnteroomError as `readConfigFile` does, and 'bad-usage'. */
export async function readingOptions(traces: readonly string[], flags: ReadingFlags): Promise<ReplayOptions> {
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
    ...(flags.unit === undefined ? {} : { unit: flags.unit }),
    ...(flags.latency === undefined ? {} : { latency: flags.latency }),
    ...(flags.addresses === undefined ? {} : { addresses: flags.addresses }),
    writes: flags.writes,
    ...(flags.lenient === undefined ? {} : { isLenient: flags.lenient }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    seed: flags.seed,
    ...(flags.config === undefined ? {} : { config: await configOf(flags.config) }),
  };
}

async function configOf(file: string): Promise<ReplayConfig> {
  const { readConfigFile } = await import('./config-file.ts');
  return readConfigFile(file);
}

const ROLES: readonly ColumnRole[] = ['time', 'segment', 'consumer', 'site', 'op', 'size', 'weight'];

/** @throws AnteroomError 'bad-usage' for what is no role, and for a role given twice. */
function parseColumns(text: string): Partial<Record<ColumnRole, string>> {
  const columns: Partial<Record<ColumnRole, string>> = {};
  for (const entry of text.split(',')) {
    const at = entry.indexOf('=');
    const role = ROLES.find((name) => name === entry.slice(0, Math.max(0, at)));
    const column = entry.slice(at + 1);
    if (role === undefined || column === '')
      throw new AnteroomError(
        'bad-usage',
        `--columns: expected ROLE=COLUMN with one of ${ROLES.join(', ')}, found "${entry}"`,
      );
    if (columns[role] !== undefined) throw new AnteroomError('bad-usage', `--columns: ${role} is given twice`);
    columns[role] = column;
  }
  return columns;
}
