/** Runs the built command, as a user does, or its replay in this process. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { registerProve } from '../../../sim/cli/prove.ts';
import { registerReplay } from '../../../sim/cli/replay.ts';
import type { ProofResult } from '../../../sim/prove/proof.ts';
import type { ReplayResult, RunResult } from '../../../sim/replay/result.ts';
import { skipUnless } from '../../require-or-skip.ts';

/** Where the command was built to; ANTEROOM_DIST names another folder. */
export const main = join(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');

export const isUnbuilt = skipUnless(existsSync(main), `${main} is absent: npm run build`);

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `anteroom` with the given words to its end. */
export function anteroom(words: readonly string[], stdin: string | Buffer = '', cwd?: string): Promise<Ended> {
  return nodeProcess([resolve(main), ...words], stdin, cwd);
}

/** Runs Node with the given words to its end. */
export function nodeProcess(words: readonly string[], stdin: string | Buffer = '', cwd?: string): Promise<Ended> {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, words, { cwd });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (status) =>
      settle({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}

/** The runs of a replay, by way of `--json -` of a command that is given standard input. */
export async function replayedFrom(stdin: string | Buffer, words: readonly string[]): Promise<readonly RunResult[]> {
  const { status, stdout, stderr } = await anteroom(['replay', ...words, '--json', '-'], stdin);
  if (status !== 0) throw new Error(`exit status ${status}: ${stderr}`);
  return (JSON.parse(stdout) as ReplayResult).runs;
}

/**
 * The runs of a replay, by way of `--json FILE` of the subcommand in this process: words go the way that they go in the command, and
 * nothing is loaded anew. What is around it (status, output, faults) is tested by `anteroom`.
 */
export async function replayed(words: readonly string[]): Promise<readonly RunResult[]> {
  return ((await resultHere(registerReplay, ['replay', ...words])) as ReplayResult).runs;
}

/** The result of a proof, in the same way. */
export async function proven(words: readonly string[]): Promise<ProofResult> {
  return (await resultHere(registerProve, ['prove', ...words])) as ProofResult;
}

async function resultHere(register: (program: Command) => void, words: readonly string[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-result-'));
  const file = join(folder, 'result.json');
  const program = new Command().exitOverride();
  register(program);
  try {
    await program.parseAsync([...words, '--quiet', '--json', file], { from: 'user' });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder for the files of a test file; `remove` it after. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'anteroom-cli-'));

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, content: string | Buffer): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
