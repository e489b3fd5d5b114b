/** A node in a process of its own, as a user starts it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const main = resolve(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');

export interface NodeProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Exit status and signal, when it has ended. */
  readonly ended: Promise<readonly [number | null, string | null]>;
  /** All that it wrote to standard error. */
  said(): string;
  /** Resolves when it has said so. */
  until(pattern: RegExp): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Ends every one that was started. */
export function endNodeProcesses(): void {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
}

/** Resolves when it listens; rejects with what it said where it ends before. */
export function startNode(words: readonly string[]): Promise<NodeProcess> {
  const child = spawn(process.execPath, [main, 'node', '--port', '0', ...words]);
  running.add(child);
  let said = '';
  const ended = new Promise<readonly [number | null, string | null]>((settle) =>
    child.on('close', (status, signal) => settle([status, signal])),
  );
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(said)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(said);
      await new Promise((settle) => setTimeout(settle, 10));
    }
  };
  return new Promise((settle, fail) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = /listening on (http:\S+)/.exec(said);
      if (match !== null) settle({ child, url: match[1]!, ended, said: () => said, until });
    });
    void ended.then(() => fail(new Error(said)));
  });
}
