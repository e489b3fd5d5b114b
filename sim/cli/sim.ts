/** `anteroom sim`: the node's path in virtual time under faults, seed after seed, with a judge that names what must never happen. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import type { Bug } from '../world/bugs.ts';
import type { NodeKind } from '../world/simulated-node.ts';
import { checkResultPlaces, type ResultFlags, writeResult } from './result-places.ts';
import { nonNegativeInteger, positiveInteger } from './whole-number.ts';

interface Flags extends Omit<ResultFlags, 'report'> {
  readonly seeds: number;
  readonly fromSeed: number;
  readonly seed?: number;
  readonly minutes: number;
  readonly bug?: string;
  readonly bugs?: boolean;
  readonly node: NodeKind;
}

const FAILURES_SHOWN_MAX = 10;

export function registerSim(program: Command): void {
  program
    .command('sim')
    .description(
      'simulate producers, network, node and origin under crashes, pauses, partitions and disk faults, from seeds',
    )
    .option('--seeds <n>', 'how many seeds', positiveInteger, 100)
    .option('--from-seed <n>', 'the first of them', nonNegativeInteger, 1)
    .addOption(
      new Option('--seed <n>', 'one seed only, with its facts')
        .argParser(nonNegativeInteger)
        .conflicts(['seeds', 'fromSeed']),
    )
    .option('--minutes <n>', 'virtual minutes a seed, 2 to 1440', virtualMinutes, 10)
    .option('--bug <name>', 'plant a bug; --bug list names them')
    .addOption(
      new Option(
        '--node <kind>',
        'path: a small state in the place of the engine; engine: the node itself, about a tenth as fast',
      )
        .choices(['path', 'engine'])
        .default('path'),
    )
    .addOption(new Option('--bugs', 'how often each planted bug is caught').conflicts(['bug', 'seed']))
    .option('--json <file>', 'write the result as JSON; - for standard output, instead of the text')
    .option('--quiet', 'no text')
    .action(async (flags: Flags) => {
      const { bugs, engineBugs, isBug } = await import('../world/bugs.ts');
      const { bug: name } = flags;
      if (name === 'list') {
        for (const [bug, what] of Object.entries(bugs)) process.stdout.write(`${bug.padEnd(26)}${what}\n`);
        return;
      }
      if (name !== undefined && !isBug(name))
        throw new AnteroomError('bad-usage', `--bug: expected ${Object.keys(bugs).join(', ')} or list, found ${name}`);
      await checkResultPlaces(flags);
      const bug = name ?? null;
      if (flags.node === 'engine' && (flags.bugs === true || (bug !== null && !engineBugs.includes(bug))))
        throw new AnteroomError('bad-usage', `--node engine takes no bug but ${engineBugs.join(', ')}`);
      if (flags.bugs === true) await showBugs(flags);
      else if (flags.seed !== undefined) await showSeed(flags.seed, bug, flags);
      else await showCampaign(bug, flags);
    });
}

async function showSeed(seed: number, bug: Bug | null, flags: Flags): Promise<void> {
  const { runWorld } = await import('../world/world.ts');
  const result = await runWorld({ seed, minutes: flags.minutes, bug, node: flags.node });
  const { violation, facts, faults } = result;
  const lines = [
    `seed ${seed}: ${result.events} events, ${(result.virtualMs / 60_000).toFixed(1)} virtual minutes, ${facts.packets} packets, ${facts.lives} lives of processes`,
    `faults: ${countsText(faults)}`,
    `${facts.resent} batches sent again, ${facts.requests} requests, ${facts.timers} timers`,
    `digest ${result.digest}`,
  ];
  if (violation !== null)
    lines.push(`FAILED at ${violation.atMs.toFixed(1)} ms: ${violation.invariant}: ${violation.detail}`);
  await writeResult(flags, { json: result, text: () => `${lines.join('\n')}\n` });
  if (violation !== null) process.exitCode = 1;
}

async function showCampaign(bug: Bug | null, flags: Flags): Promise<void> {
  const { replayCommand, runCampaign } = await import('../world/campaign.ts');
  const { elapsedMs } = await import('../../engine/host/process-usage.ts');
  const { fromSeed, seeds, minutes, node } = flags;
  const startedMs = elapsedMs();
  const result = await runCampaign({ fromSeed, seeds, minutes, bug, node });
  const seconds = (elapsedMs() - startedMs) / 1000;
  const lines: string[] = [];
  for (const { seed, violation } of result.failures.slice(0, FAILURES_SHOWN_MAX)) {
    lines.push(`seed ${seed}: ${violation!.invariant}: ${violation!.detail}`);
    lines.push(`  again: ${replayCommand(seed, { minutes, bug, node })}`);
  }
  if (result.failures.length > FAILURES_SHOWN_MAX)
    lines.push(`and ${result.failures.length - FAILURES_SHOWN_MAX} more (--json has all)`);
  lines.push(
    `${seeds} seeds from ${fromSeed}${bug === null ? '' : ` with ${bug}`}: ${result.failures.length} failed`,
    `${result.events} events, ${(result.virtualMs / 3_600_000).toFixed(1)} virtual hours, faults: ${countsText(result.faults)}`,
    `${(seeds / seconds).toFixed(1)} seeds a second, ${Math.round(result.virtualMs / 1000 / seconds)} times real time`,
  );
  await writeResult(flags, { json: result, text: () => `${lines.join('\n')}\n` });
  if (result.failures.length > 0) process.exitCode = 1;
}

async function showBugs(flags: Flags): Promise<void> {
  const { catchBugs } = await import('../world/campaign.ts');
  const { fromSeed, seeds, minutes } = flags;
  const caught = await catchBugs({ fromSeed, seeds, minutes });
  const lines = [`${'planted bug'.padEnd(28)}${'caught'.padStart(12)}${'first seed'.padStart(12)}  by`];
  for (const { bug, caught: count, firstSeed, by } of caught)
    lines.push(
      `${bug.padEnd(28)}${`${count}/${seeds}`.padStart(12)}${String(firstSeed ?? '-').padStart(12)}  ${countsText(by)}`,
    );
  await writeResult(flags, { json: caught, text: () => `${lines.join('\n')}\n` });
  if (caught.some(({ firstSeed }) => firstSeed === null)) process.exitCode = 1;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '-' : entries.map(([name, count]) => `${name} ${count}`).join(', ');
}

function virtualMinutes(text: string): number {
  const value = Number(text);
  if (!(value >= 2 && value <= 1440)) throw new InvalidArgumentError('expected a number from 2 to 1440.');
  return value;
}
