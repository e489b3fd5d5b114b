/** Runs a command to its end, with text on its standard input. */

import { spawn } from 'node:child_process';

export interface CommandEnd {
  /** Exit status; null where a signal ended it or it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** What it said last on standard error, or why it could not be started. */
  readonly said: string;
}

const OUTPUT_CHARACTERS_MAX = 64 * 1024;

/** Never rejects. After `timeoutMs` the command is killed. No shell is involved: words are words. */
export function runCommand(
  words: readonly string[],
  input: string,
  options: { readonly timeoutMs: number; readonly environment?: Readonly<Record<string, string>> },
): Promise<CommandEnd> {
  return new Promise((settle) => {
    const [program, ...rest] = words;
    const child = spawn(program!, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...options.environment },
    });
    let stdout = '';
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (stdout.length < OUTPUT_CHARACTERS_MAX) stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    child.stdin.on('error', () => {});
    child.on('error', (error) => settle({ status: null, stdout: '', said: error.message }));
    child.on('close', (status, signal) =>
      settle({ status, stdout, said: status === null ? `ended by ${signal}` : said.trim().slice(-200) }),
    );
    child.stdin.end(input);
  });
}
