/** `anteroom status`, `drain`, `reload`, `forecast`, `plans`, `decisions` and `dlq`: looking after a running node. */

import type { Command } from 'commander';
import type { NodeStatus, Recovery } from '../../actors/node/node-status.ts';
import { addClientOptions, askNode, type ClientFlags, hasStopped, instant, print, shown } from './node-client.ts';
import { positiveInteger } from './whole-number.ts';

export function registerNodeCommands(program: Command): void {
  addClientOptions(
    program.command('status').description('how a running node does; exit status 1 = it is not ready'),
  ).action(async (flags: ClientFlags) => {
    const status = await askNode<NodeStatus>(flags, '/v1/status');
    print(flags, status, statusText);
    if (!status.isReady) process.exitCode = 1;
  });

  addClientOptions(program.command('drain').description('stop a running node gracefully: what it acknowledged is kept'))
    .option('--wait', 'until it has stopped')
    .action(async (flags: ClientFlags & { readonly wait?: boolean }) => {
      const answer = await askNode<{ state: string }>(flags, '/v1/drain', { method: 'POST' });
      if (flags.wait === true) await hasStopped(flags);
      const state = flags.wait === true ? 'stopped' : answer.state;
      print(flags, { state }, () => `${state}\n`);
    });

  addClientOptions(
    program.command('reload').description('let a running node read its settings again; the same as SIGHUP'),
  ).action(async (flags: ClientFlags) => {
    const answer = await askNode<{ applied: readonly string[]; needsRestart: readonly string[] }>(flags, '/v1/reload', {
      method: 'POST',
    });
    const { applied, needsRestart } = answer;
    const text =
      (applied.length === 0 ? 'nothing changed\n' : `changed: ${applied.join(', ')}\n`) +
      (needsRestart.length === 0 ? '' : `as before until the node starts again: ${needsRestart.join(', ')}\n`);
    print(flags, answer, () => text);
  });

  addClientOptions(program.command('forecast').description('what is likely to be accessed next, and why'))
    .option('--consumer <name>', 'whose next accesses; default: of whoever accessed last')
    .option('--segment <name>', 'only this segment')
    .option('--horizon-ms <n>', 'within which time', positiveInteger)
    .option('--count <n>', 'how many', positiveInteger, 10)
    .action(async (flags: ClientFlags & { consumer?: string; segment?: string; horizonMs?: number; count: number }) => {
      const query = new URLSearchParams({ count: String(flags.count) });
      if (flags.consumer !== undefined) query.set('consumer', flags.consumer);
      if (flags.segment !== undefined) query.set('segment', flags.segment);
      if (flags.horizonMs !== undefined) query.set('horizonMs', String(flags.horizonMs));
      const answer = await askNode<ForecastAnswer>(flags, `/v1/forecast?${query}`);
      print(flags, answer, (told) => forecastText(told, shown(flags.segment)));
    });

  addClientOptions(
    program.command('plans').description('what is to be staged: planned, queued, open and staged, with reasons'),
  )
    .option('--limit <n>', 'how many', positiveInteger, 20)
    .option('--state <state>', 'only planned, queued, open or staged')
    .action(async (flags: ClientFlags & { limit: number; state?: string }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.state !== undefined) query.set('state', flags.state);
      const answer = await askNode<PlansAnswer>(flags, `/v1/plans?${query}`);
      const counts = Object.entries(answer.counts).map(([state, count]) => `${count} ${state}`);
      print(flags, answer, ({ plans }) => {
        const lines = plans.map(({ state, segment, reason }) => `${state.padEnd(8)}${segment}\n        ${reason}\n`);
        return `${lines.join('')}${counts.join(', ')} (${answer.mode})\n`;
      });
    });

  addClientOptions(
    program.command('decisions').description('the latest decisions about prefetches, with their reasons'),
  )
    .option('--limit <n>', 'how many', positiveInteger, 20)
    .option('--kind <kind>', 'only issued, refused, withdrawn or ended')
    .option('--segment <name>', 'only about this segment')
    .action(async (flags: ClientFlags & { limit: number; kind?: string; segment?: string }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.kind !== undefined) query.set('kind', flags.kind);
      if (flags.segment !== undefined) query.set('segment', flags.segment);
      const answer = await askNode<{ decisions: readonly { position: number; timeMs: number | null; why: string }[] }>(
        flags,
        `/v1/decisions?${query}`,
      );
      print(
        flags,
        answer,
        ({ decisions }) =>
          decisions
            .map(({ position, timeMs, why }) => `${instant(timeMs)}  ${String(position).padStart(9)}  ${why}\n`)
            .join('') || 'none yet\n',
      );
    });

  const dlq = program
    .command('dlq')
    .description('prefetch requests that a sink could not be given, and messages that a source could not read');
  addClientOptions(dlq.command('ls').description('list both')).action(async (flags: ClientFlags) => {
    const requests = await askNode<LettersAnswer>(flags, '/v1/dead-letters');
    const bad = await askNode<BadMessagesAnswer>(flags, '/v1/bad-messages');
    const counts = `${requests.count} ${requests.count === 1 ? 'request' : 'requests'}, ${messageCount(bad.count)}\n`;
    // Bodies are for `dlq messages`.
    const messages = bad.messages.map(({ body: _, ...facts }) => facts);
    print(flags, { ...requests, messages }, (told) => {
      const lines = told.letters.map(
        ({ key, sink, why, attempts, atMs }) => `${instant(atMs)}  ${sink}  ${key}  ${attempts} tries: ${why}\n`,
      );
      return `${lines.join('')}${messageLines(told)}${counts}`;
    });
  });
  addClientOptions(
    dlq
      .command('messages')
      .description('messages of sources that could not be read; --json has their bodies, as base64'),
  ).action(async (flags: ClientFlags) => {
    const answer = await askNode<BadMessagesAnswer>(flags, '/v1/bad-messages');
    print(flags, answer, (told) => `${messageLines(told)}${messageCount(told.count)}\n`);
  });

  addClientOptions(
    dlq
      .command('redrive')
      .description('try both once more, messages under the settings of now; exit status 1 = not all went')
      .argument('[key...]', 'only these'),
  ).action(async (keys: string[], flags: ClientFlags) => {
    const again = { method: 'POST', body: keys.length === 0 ? {} : { keys }, isLong: true } as const;
    const requests = await askNode<RedriveAnswer>(flags, '/v1/dead-letters/redrive', again);
    const messages = await askNode<RedriveMessagesAnswer>(flags, '/v1/bad-messages/redrive', again);
    const all = [...requests.results, ...messages.results];
    const faults = [
      ...shown(all)
        .filter(({ end }) => end.kind === 'failed')
        .map(({ key, sink, source, end }) => `${sink ?? source}  ${key}  ${end.why ?? ''}\n`),
      ...shown(keys.filter((key) => !all.some((one) => one.key === key))).map(
        (key) => `there is no dead letter ${key}\n`,
      ),
    ];
    const { taken, duplicate } = messages;
    const texts = [`${requests.delivered} delivered, ${requests.failed} failed again`];
    if (messages.results.length > 0)
      texts.push(`messages: ${taken} taken, ${duplicate} in the log already, ${messages.failed} failed again`);
    print(flags, { ...requests, messages }, () => `${faults.join('')}${texts.join('\n')}\n`);
    if (faults.length > 0) process.exitCode = 1;
  });
}

interface LettersAnswer {
  readonly count: number;
  readonly letters: readonly { key: string; sink: string; why: string; attempts: number; atMs: number }[];
}

interface BadMessagesAnswer {
  readonly count: number;
  readonly messages: readonly BadMessage[];
}

interface BadMessage {
  readonly key: string;
  readonly why: string;
  readonly atMs: number;
  readonly body: string;
}

interface Redriven {
  readonly key: string;
  readonly sink?: string;
  readonly source?: string;
  readonly end: { readonly kind: string; readonly why?: string };
}

interface RedriveAnswer {
  readonly delivered: number;
  readonly failed: number;
  readonly results: readonly Redriven[];
}

interface RedriveMessagesAnswer {
  readonly taken: number;
  readonly duplicate: number;
  readonly failed: number;
  readonly results: readonly Redriven[];
}

function messageLines({ messages }: { readonly messages: readonly Omit<BadMessage, 'body'>[] }): string {
  return messages.map(({ key, why, atMs }) => `${instant(atMs)}  ${key}  ${why}\n`).join('');
}

function messageCount(count: number): string {
  return `${count} bad ${count === 1 ? 'message' : 'messages'}`;
}

interface PlansAnswer {
  readonly mode: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly plans: readonly { readonly state: string; readonly segment: string; readonly reason: string }[];
}

interface ForecastAnswer {
  readonly consumer: string | null;
  readonly after: string | null;
  readonly forecasts: readonly {
    readonly segment: string;
    readonly probability: number;
    readonly horizonMs: number;
    readonly expert: string;
    readonly why: readonly string[];
  }[];
}

function startOf({ from, restored, damaged }: Recovery): string {
  const what = from === null ? 'from the beginning of the log' : `from position ${from}`;
  return `${what}${restored === null ? '' : ` (${restored})`}${damaged.length === 0 ? '' : `, passing over ${damaged.join('; ')}`}`;
}

function statusText(status: NodeStatus): string {
  const { log, checkpoint, delivery, tail, recovery } = status;
  const rows: [string, string][] = [
    [
      'state',
      `${status.state}${status.isReady ? '' : ' (not ready)'}, ${status.mode}, up ${Math.round(status.upSeconds)} s, version ${status.version}`,
    ],
    ...Object.entries(status.troubles).map(([name, why]): [string, string] => ['trouble', `${name}: ${why}`]),
    [
      'log',
      `positions ${log.start} to ${log.end}, ${log.bytes} bytes, ${log.producerCount} producers; ${log.end - status.toldUntil} waiting to be learned from`,
    ],
    [
      'checkpoint',
      checkpoint === null
        ? 'none yet'
        : `${checkpoint.id} at position ${checkpoint.logPosition}, ${Math.round(status.checkpointAgeSeconds ?? 0)} s old`,
    ],
    [
      'last start',
      recovery === null
        ? 'going on'
        : `${startOf(recovery)}, ${recovery.replayed} replayed, ${Math.round(recovery.ms)} ms`,
    ],
    [
      'appends',
      `${status.intake.appended} kept, ${status.intake.duplicates} repeated, ${status.intake.refused} refused, ${status.intake.throttled} throttled, ${status.intake.failed} failed`,
    ],
  ];
  if (status.mode === 'prefetching')
    rows.push([
      'requests',
      `${delivery.delivered} delivered, ${delivery.failed} failed, ${delivery.open} open, ${delivery.deadLetters} dead letters, ${delivery.redriven} redriven`,
    ]);
  for (const { name, type, state, counts, refused, latestRefused } of status.sources.filter(
    (one) => one.type !== 'tail',
  )) {
    const denied = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
    const whom = denied.length === 0 ? '' : `; refused: ${denied.join(', ')} (latest ${latestRefused})`;
    rows.push([
      `source ${name}`,
      `${type}, ${state}, ${counts.messages} messages, ${counts.accesses} accesses, ${counts.duplicates} repeated, ${counts.bad} bad${whom}`,
    ]);
  }
  const { limited, segmentsRefused, consumersRefused } = status.told;
  if (limited.rate + limited.segments > 0) {
    const most = status.limited.map(({ consumer, rate, segments }) => `${consumer} (${rate + segments})`);
    rows.push([
      'quotas',
      `${limited.rate + limited.segments} accesses not learned from: ${limited.rate} beyond a rate, ${limited.segments} beyond a share of segments; most: ${most.join(', ')}`,
    ]);
  }
  if (segmentsRefused + consumersRefused > 0)
    rows.push([
      'no room',
      `${segmentsRefused} accesses to new segments not learned from (engine.segmentsMax), ${consumersRefused} of new consumers taken as of nobody (engine.consumersMax)`,
    ]);
  const { places } = status;
  if (places !== null) {
    const away = places.away.length === 0 ? 'all there' : `away: ${places.away.join(', ')}`;
    rows.push(['parts', `${away}; ${places.losses} times lost, ${places.silences} times not answering in time`]);
  }
  if (status.badMessages > 0) rows.push(['bad messages', `${status.badMessages} kept (anteroom dlq ls)`]);
  if (tail.lines + tail.lostPlaces > 0 || tail.absent.length > 0) {
    const lost = tail.lostPlaces === 0 ? '' : `; the rest of ${tail.lostPlaces} was rotated away unread`;
    const absent = tail.absent.length === 0 ? '' : `; not there: ${tail.absent.join(', ')}`;
    rows.push([
      'followed files',
      `${tail.lines} accesses, ${tail.rejected} bad lines, ${tail.rotations} rotations${lost}${absent}`,
    ]);
  }
  return rows.map(([name, text]) => `${name.padEnd(16)}${text}\n`).join('');
}

function forecastText({ consumer, after, forecasts }: ForecastAnswer, segment: string | undefined): string {
  const head = `${consumer ?? 'anyone'}${after === null ? '' : `, after ${after}`}\n`;
  const lines = forecasts.map(
    ({ segment, probability, horizonMs, expert, why }) =>
      `\n${(probability * 100).toFixed(1).padStart(5)} %  ${segment}  within ${horizonMs / 1000} s (${expert})\n${why.map((reason) => `         ${reason}\n`).join('')}`,
  );
  return (
    head + (lines.join('') || (segment === undefined ? 'nothing is expected yet\n' : `${segment} is not expected\n`))
  );
}
