/** Whole text files: settings in, reports out. */

import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { AnteroomError } from '../errors.ts';
import { ioFault } from './io-fault.ts';

/** @throws AnteroomError 'not-found' or 'io'. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw ioFault(path, cause);
  }
}

/**
 * Writes a file whole or not at all: readers never see half of it.
 * @throws AnteroomError 'io', 'not-found' or 'disk-full'.
 */
export async function writeTextFile(path: string, text: string): Promise<void> {
  const partial = await partialOf(path);
  try {
    await writeFile(partial ?? path, text);
    if (partial !== null) await rename(partial, path);
  } catch (cause) {
    // What is told is why it could not be written, not why there is nothing to clear away.
    if (partial !== null) await rm(partial, { force: true }).catch(() => {});
    throw ioFault(path, cause);
  }
}

/**
 * Where a file is written until it is whole and gets its name. Null for a device or pipe, which is written to as it is, since a file must
 * not take its place.
 * @throws AnteroomError 'io' for a folder.
 */
export async function partialOf(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new AnteroomError('io', `${path} is a directory`, { context: { file: path } });
  return found === null || found.isFile() ? `${path}.${process.pid}.partial` : null;
}
