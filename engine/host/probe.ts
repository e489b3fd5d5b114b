/** Tries in a process of its own what might take this one down. */

import { spawn } from 'node:child_process';

/** How a probe ended: `signal` names what killed it. */
export interface ProbeEnd {
  readonly status: number | null;
  readonly signal: string | null;
  /** The last line that it wrote, for a person. */
  readonly said: string;
}

/** Longest that a probe may take, in ms; one that hangs is killed and counts as failed. */
const PROBE_MS_MAX = 120_000;

/** Runs an ES module's source text to its end, with `words` as its arguments. */
export function probe(source: string, words: readonly string[]): Promise<ProbeEnd> {
  return new Promise((settle) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', source, '--', ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PROBE_MS_MAX,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    child.on('error', (error) => settle({ status: null, signal: null, said: error.message }));
    child.on('close', (status, signal) =>
      settle({ status, signal, said: said.trim().split('\n').at(-1)?.slice(0, 200) ?? '' }),
    );
  });
}
