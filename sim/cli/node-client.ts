/** Talks to a running node, for the commands that look after one. */

import type { Command } from 'commander';
import { AnteroomError } from '../../engine/errors.ts';
import { readTextFile } from '../../engine/host/text-file.ts';

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
 * The JSON of an answer.
 * @throws AnteroomError 'unavailable' where nobody answers, 'unauthorised', or with the code and message of the node.
 */
export async function askNode<T>(
  flags: ClientFlags,
  path: string,
  init: { readonly method?: string; readonly body?: object } = {},
): Promise<T> {
  const token =
    flags.tokenFile === undefined ? process.env.ANTEROOM_TOKEN : (await readTextFile(flags.tokenFile)).trim();
  let response: Response;
  try {
    response = await fetch(new URL(path, flags.url), {
      method: init.method ?? 'GET',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
  } catch (cause) {
    throw new AnteroomError('unavailable', `no node answers at ${flags.url} (--url says where it is)`, { cause });
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  let message = `status ${response.status}`;
  try {
    message = (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    // Somebody else listens there: the status is all there is to tell.
  }
  throw new AnteroomError(
    response.status === 401 || response.status === 403 ? 'unauthorised' : 'unavailable',
    `${flags.url}: ${message}`,
  );
}
