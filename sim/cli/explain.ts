/** `anteroom explain`: why a segment was staged or was not, and why misses remained. */

import type { Command } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import type { ExplainOptions } from '../explain/explain.ts';
import { addReadingOptions, type ReadingFlags, readingOptions } from './reading-options.ts';
import { checkResultPlaces, type ResultFlags, writeResult } from './result-places.ts';
import { nonNegativeInteger } from './whole-number.ts';

interface ExplainFlags extends ReadingFlags, Omit<ResultFlags, 'report'> {
  readonly cache: string;
  readonly evict: string;
  readonly trafficMax: string;
  readonly segment?: string;
  readonly from: number;
  readonly events: number;
  readonly worst: number;
  readonly warmup: number;
  readonly tokenFile?: string;
}

export function registerExplain(program: Command): void {
  const command = program
    .command('explain')
    .description(
      'say why, by replaying a log or asking a node: the story of one segment, or what the misses that remain are due to',
    )
    .argument(
      '<log>',
      'a file (- for standard input), a built-in workload as workload:NAME,parameter=value, or the http:// address of a running node',
    )
    .option('--segment <name>', 'follow this segment; without it the whole log is summed up')
    .option('--cache <size>', 'cache size: a share of the log (0.01), segments (5000) or bytes (64MiB)', '0.1')
    .option('--evict <policy>', 'the eviction', 'auto')
    .option('--traffic-max <bound>', 'bound on fetches relative to the reference; none = no bound', '1.3')
    .option('--from <n>', 'tell of events from this log position on', nonNegativeInteger, 0)
    .option('--events <n>', 'tell of so many events at most', nonNegativeInteger, 40)
    .option('--worst <n>', 'list so many segments by the misses left', nonNegativeInteger, 10)
    .option('--warmup <n>', 'accesses before counting begins', nonNegativeInteger, 0);
  addReadingOptions(command)
    .optionsGroup('The result:')
    .option('--json <file>', 'write the story as JSON; - for standard output, instead of the text')
    .option('--quiet', 'no text, no progress')
    .option('--token-file <file>', 'of a running node: a file with the token; else ANTEROOM_TOKEN')
    .addHelpText(
      'after',
      `
Examples:
  anteroom explain access.log
  anteroom explain access.log --segment /logo.png
  anteroom explain http://127.0.0.1:7878 --segment /logo.png`,
    )
    .action(async (trace: string, flags: ExplainFlags) => {
      if (/^https?:\/\//.test(trace)) {
        const { explainNode } = await import('./explain-node.ts');
        const client = { url: trace, ...(flags.tokenFile === undefined ? {} : { tokenFile: flags.tokenFile }) };
        await checkResultPlaces(flags);
        const { json, text } = await explainNode(client, flags.segment, flags.events);
        return writeResult(flags, { json, text: () => text });
      }
      const { traceOptionsOf } = await import('../replay/check-options.ts');
      const { parseTrafficMaxes } = await import('../replay/plan-runs.ts');
      const { checkPlaces } = await import('./check-places.ts');
      const { startProgress } = await import('./progress.ts');
      const bounds = parseTrafficMaxes(flags.trafficMax);
      if (bounds.length !== 1) {
        throw new AnteroomError('bad-usage', `--traffic-max: expected one bound to explain, found ${bounds.length}`);
      }
      const reading = await readingOptions([trace], flags);
      const options: ExplainOptions = {
        ...reading,
        trace,
        cache: flags.cache,
        evict: flags.evict,
        trafficMax: bounds[0]!,
        warmup: flags.warmup,
        from: flags.from,
        eventsMax: flags.events,
        worstMax: flags.worst,
        ...(flags.segment === undefined ? {} : { segment: flags.segment }),
      };
      await checkPlaces([trace], traceOptionsOf(reading), flags);
      const { explain } = await import('../explain/explain.ts');
      const progress = await startProgress(flags.quiet === true);
      let story: Awaited<ReturnType<typeof explain>>;
      try {
        story = await explain({ ...options, onProgress: progress.update });
      } finally {
        progress.stop();
      }
      const { storyText } = await import('../explain/story-text.ts');
      await writeResult(flags, { json: story, text: () => storyText(story) });
    });
}
