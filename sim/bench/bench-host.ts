/** What benches need of the machine: processes, scratch files, garbage collection, and what machine it is. No bench asks for it elsewhere. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AnteroomError } from '../../engine/errors.ts';

/** Where figures come from. */
export interface MachineFacts {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

export function machineFacts(): MachineFacts {
  const processors = cpus();
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cpuCount: processors.length,
    memoryBytes: totalmem(),
  };
}

/**
 * A function that collects the young generation now. Not the old one: a full collection also drops hidden classes that have no
 * instance at that moment, and with them the machine code that was compiled for them, so the next run would measure compiling.
 */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;
  return () => collect({ type: 'minor' });
}

/** The folder that holds package.json, from wherever this file was compiled to. */
export function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new AnteroomError('not-found', 'no package.json in any folder above the benches');
    folder = parent;
  }
  return folder;
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** A text file of the project, as `sim/bench/aggregate.sql`. */
export function readProjectFile(path: string): Promise<string> {
  return readFile(join(projectFolder(), path), 'utf8');
}

/** A temporary file with the given content. `remove` deletes it. */
export interface TemporaryFile {
  readonly path: string;
  readonly byteLength: number;
  remove(): Promise<void>;
}

export async function temporaryFile(
  name: string,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): Promise<TemporaryFile> {
  const folder = await mkdtemp(join(tmpdir(), 'anteroom-bench-'));
  const path = join(folder, name);
  let byteLength = 0;
  const file = await open(path, 'w');
  try {
    for await (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      await file.writeFile(bytes);
      byteLength += bytes.length;
    }
  } finally {
    await file.close();
  }
  return { path, byteLength, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Runs node with `words` in the project's folder to its end; resolves to what it wrote to standard output.
 * @param hearsErrors whether its standard error goes to this process's; else it is shown only if the process fails.
 * @throws AnteroomError('io') when it ends with another status than 0.
 */
export function runNode(words: readonly string[], hearsErrors = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd: projectFolder(),
      stdio: ['ignore', 'pipe', hearsErrors ? 'inherit' : 'pipe'],
    });
    const output: Uint8Array[] = [];
    const errors: Uint8Array[] = [];
    child.stdout!.on('data', (chunk: Uint8Array) => output.push(chunk));
    child.stderr?.on('data', (chunk: Uint8Array) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(Buffer.concat(output).toString());
      else {
        const said = Buffer.concat(errors).toString().slice(-2000);
        const how = signal === null ? `status ${status}` : signal;
        reject(new AnteroomError('io', `node ${words.join(' ')}: ended with ${how}\n${said}`));
      }
    });
  });
}

/**
 * The compiled `anteroom` command.
 * @throws AnteroomError('not-found') before a build.
 */
export function commandPath(): string {
  const path = join(projectFolder(), 'dist/sim/cli/main.js');
  if (!existsSync(path)) throw new AnteroomError('not-found', 'dist/sim/cli/main.js: not built; npm run build first');
  return path;
}
