/** Folders that hold a node's data, and the files in them: made, measured, looked into. */

import { closeSync, mkdirSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { ioFault } from './io-fault.ts';

/** Makes a folder and those above it, readable by this user only. @throws AnteroomError 'io'. */
export function ensureFolder(path: string): void {
  try {
    makeFolder(resolve(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new AnteroomError('io', `${path}: a file is there, and no folder`, { context: { file: path }, cause });
    throw ioFault(path, cause);
  }
}

/** Not with `recursive`: where the system says of a new folder that it is not there (/proc, an automounter's) Node 20 tries again for ever. */
function makeFolder(path: string): void {
  const make = (): string | undefined => {
    try {
      mkdirSync(path, { mode: 0o700 });
      return undefined;
    } catch (cause) {
      if (isFolder(path)) return undefined;
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' && !isFolder(dirname(path))) return dirname(path);
      throw cause;
    }
  };
  const above = make();
  if (above === undefined) return;
  makeFolder(above);
  make();
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Bytes that this user may still write where the folder lies; null = its file system does not say. @throws AnteroomError 'io'. */
export function freeBytes(path: string): number | null {
  try {
    const { blocks, bavail, bsize } = statfsSync(path);
    return blocks === 0 ? null : bavail * bsize;
  } catch (cause) {
    throw ioFault(path, cause);
  }
}

/** Bytes of a file; null where there is none. @throws AnteroomError 'io'. */
export function fileBytes(path: string): number | null {
  try {
    return statSync(path).size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw ioFault(path, cause);
  }
}

/** The first `length` bytes of a file, fewer where it is shorter. @throws AnteroomError 'io'. */
export function fileHead(path: string, length: number): Uint8Array {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw ioFault(path, cause);
  }
}
