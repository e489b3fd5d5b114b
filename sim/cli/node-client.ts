/** Talks to a running node, for the commands that look after one. */

import type { Command } from 'commander';
import { AnteroomError, type ErrorCode } from '../../engine/errors.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { readTextFile } from '../../engine/host/text-file.ts';
import { printableLines, printableTexts } from '../../engine/printable.ts';

export interface ClientFlags {
  readonly url: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Adds what every such command takes. The token comes from a file or ANTEROOM_TOKEN, so that no process list shows it. */
export function addClientOptions(command: Command): Command {
  return command
    .option('--url <address>', 'where the node listens', process.env.ANTEROOM_URL ?? 'http://127.0.0.1:7878')
    .option('--token-file <file>', 'a file with the token; else the environment variable ANTEROOM_TOKEN')
    .option('--json', 'the answer as it is');
}

/**
 * The JSON of an answer; `isLong` = it may take any time.
 * @throws AnteroomError 'unavailable' where nobody answers, 'unauthorised', or with the code and message of the node.
 */
export async function askNode<T>(
  flags: ClientFlags,
  path: string,
  init: { readonly method?: string; readonly body?: object; readonly isLong?: boolean } = {},
): Promise<T> {
  const token =
    flags.tokenFile === undefined ? process.env.ANTEROOM_TOKEN : (await readTextFile(flags.tokenFile)).trim();
  const { url } = flags;
  if (!/^https?:/i.test(url) || !URL.canParse(path, url))
    throw new AnteroomError('bad-usage', `--url: expected an address such as http://127.0.0.1:7878, found ${url}`);
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL(path, url), {
      method: init.method ?? 'GET',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      ...(init.isLong === true ? {} : { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }),
    });
    text = await response.text();
  } catch (cause) {
    const isSlow = cause instanceof Error && cause.name === 'TimeoutError';
    const how = isSlow ? `no answer within ${ANSWER_WITHIN_MS / 1000} s from` : 'no node answers at';
    throw new AnteroomError('unavailable', `${how} ${url} (--url says where it is)`, { cause });
  }
  const answer = answerIn(text);
  if (response.ok) {
    if (answer === undefined)
      throw new AnteroomError('unavailable', `${url}: what answers there is no node of Anteroom`);
    return answer as T;
  }
  const { message } = (answer as { readonly error?: { readonly message?: string } } | undefined)?.error ?? {};
  const hint = response.status === 401 ? ' (--token-file or ANTEROOM_TOKEN gives one)' : '';
  const said = message === undefined ? `status ${response.status}; is that a node of Anteroom?` : message + hint;
  throw new AnteroomError(codeOf[response.status] ?? 'unavailable', `${url}: ${said}`);
}

/** How long a question may take. */
const ANSWER_WITHIN_MS = 30_000;

/** Statuses that say something of what was asked, and not of the node. */
const codeOf: Readonly<Partial<Record<number, ErrorCode>>> = {
  400: 'bad-usage',
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not-found',
};

/** The JSON of an answer; undefined where it is none: somebody else listens there. */
function answerIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Characters of a name or a reason that are shown; `--json` has all of it. */
const SHOWN_MAX = 400;

/** An answer as it may be put into lines of text: names that strangers chose neither steer the terminal nor make lines of their own. */
export function shown<T>(answer: T): T {
  return printableTexts(answer, SHOWN_MAX);
}

/** The answer as JSON where that was asked for, else what `textOf` makes of it as it may be shown. */
export function print<T>(flags: { readonly json?: boolean }, answer: T, textOf: (shown: T) => string): void {
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(answer, null, 2)}\n` : printableLines(textOf(shown(answer))),
  );
}

/** An instant to the second; the same width for none. */
export function instant(ms: number | null): string {
  return ms === null ? '-'.padEnd(20) : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Resolves when nobody answers any more. */
export async function hasStopped(flags: ClientFlags): Promise<void> {
  const clock = new RealClock();
  for (;;) {
    try {
      await askNode(flags, '/healthz');
    } catch (error) {
      if (error instanceof AnteroomError && error.code === 'unavailable') return;
      throw error;
    }
    await new Promise<void>((settle) => void clock.setTimeout(settle, LOOK_MS));
  }
}

const LOOK_MS = 100;
