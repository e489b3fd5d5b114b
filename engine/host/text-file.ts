/** Whole text files: settings in, reports out. */

import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { AnteroomError } from '../errors.ts';

/** @throws AnteroomError 'not-found' or 'io'. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/**
 * Writes a file whole or not at all: readers never see half of it. A device or pipe is written to as it is, since a file must not
 * take its place.
 * @throws AnteroomError 'io'.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile() && !found.isDirectory()) {
    try {
      await writeFile(path, text);
      return;
    } catch (cause) {
      throw fileError(path, cause);
    }
  }
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, text);
    await rename(partial, path);
  } catch (cause) {
    // What is told is why it could not be written, not why there is nothing to clear away.
    await rm(partial, { force: true }).catch(() => {});
    throw fileError(path, cause);
  }
}

function fileError(path: string, cause: unknown): AnteroomError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return new AnteroomError('not-found', `${path}: no such file or folder`, { cause });
  return new AnteroomError('io', `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
