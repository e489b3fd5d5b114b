/** A node as a process of its own, from its start until it is ready, with what the system says of it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface NodeProcess {
  readonly child: ChildProcess;
  readonly address: string;
  /** From the start of the process to the first 200 of /readyz. */
  readonly readyMs: number;
  readonly ended: Promise<void>;
  /** Resident now and at most so far, in MB, as Linux says, and of it what is no mapped file (LMDB maps its own); NaN elsewhere. */
  memory(): { readonly residentMB: number; readonly residentMBMax: number; readonly anonymousMB: number };
  /** CPU time of the process so far, user and system, in seconds; NaN elsewhere. */
  cpuSeconds(): number;
}

/** Starts `main node --config` and waits until it is ready. Rejects when it ends before. */
export async function readyProcess(main: string, config: string, words: readonly string[] = []): Promise<NodeProcess> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [main, 'node', '--config', config, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  let isOver = false;
  const ended = new Promise<void>((settle) => {
    child.on('close', () => {
      isOver = true;
      settle();
    });
  });
  const address = await new Promise<string>((settle, fail) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
      const match = /listening on (http:\S+)/.exec(said);
      if (match !== null) settle(match[1]!);
    });
    void ended.then(() => fail(new Error(`the node ended: ${said}`)));
  });
  for (;;) {
    const isReady = await fetch(`${address}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (isReady) break;
    if (isOver) throw new Error(`the node ended: ${said}`);
    await new Promise((settle) => setTimeout(settle, 10));
  }
  const readyMs = performance.now() - startedMs;
  const pid = child.pid!;
  return {
    child,
    address,
    readyMs,
    ended,
    memory: () => ({
      residentMB: statusOf(pid, 'VmRSS') / 1000,
      residentMBMax: statusOf(pid, 'VmHWM') / 1000,
      anonymousMB: statusOf(pid, 'RssAnon') / 1000,
    }),
    cpuSeconds: () => {
      // Fields 14 and 15 of proc_pid_stat(5), in ticks of a hundredth of a second; the name before them may hold spaces.
      const [, rest] = /\) (.*)/s.exec(readText(`/proc/${pid}/stat`)) ?? [];
      const words = rest?.split(' ') ?? [];
      return (Number(words[11]) + Number(words[12])) / 100;
    },
  };
}

/** A line of proc_pid_status(5) in kB. */
function statusOf(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readText(`/proc/${pid}/status`))?.[1] ?? Number.NaN);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
