/** Whether files can be read and written, asked before long work whose result would be lost otherwise. */

import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { ioFault } from './io-fault.ts';

/**
 * Checks that a file is there and may be read. True for a regular file: others (pipes, devices) can be opened only once.
 * @throws AnteroomError 'not-found' or 'io'.
 */
export async function checkReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (found.isDirectory()) throw new AnteroomError('io', `${path} is a directory`, { context: { file: path } });
    return found.isFile();
  } catch (cause) {
    throw ioFault(path, cause);
  }
}

/**
 * Checks that `writeTextFile` could write there: the folder is there and may be written to, and no folder has the name.
 * Creates nothing.
 * @throws AnteroomError 'not-found' or 'io'.
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (cause) {
    throw ioFault(path, cause);
  }
  let isFolder = false;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw ioFault(path, cause);
  }
  if (isFolder) throw new AnteroomError('io', `${path} is a directory`, { context: { file: path } });
}
