/** Folders that hold a node's data, and the files in them: made, measured, looked into. */

import { closeSync, mkdirSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { ioFault } from './io-fault.ts';

/** Makes a folder and those above it, readable by this user only. @throws AnteroomError 'io'. */
export function ensureFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw ioFault(path, cause);
  }
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
