/** One LMDB environment, opened with care: damage is found before it is mapped, and faults are told in this project's words. */

import type { Key, RootDatabase } from 'lmdb';
import { AnteroomError } from '../errors.ts';
import { ensureFolder, fileBytes, fileHead } from '../host/folder.ts';
import { probe } from '../host/probe.ts';

export interface LmdbOptions {
  /** Folder of the environment; made where there is none. */
  readonly path: string;
  /** What lies there, for errors: "log". */
  readonly what: string;
  /** The environment must be there already: its absence is damage. Default false. */
  readonly mustExist?: boolean;
  /** `checkLmdb` was just called for it. Default false: it is called. */
  readonly isChecked?: boolean;
}

/** Of every environment, in whichever thread. A commit is durable when it returns: nothing is acknowledged before. */
export const SETTINGS = { encoding: 'binary', overlappingSync: false, maxDbs: 8 } as const;
const PAGE_BYTES = 4096;
const MAGIC = 0xbeef_c0de;

/**
 * Looks whether environments can be opened without harm: LMDB maps its file and trusts it, so a damaged page ends the process by a
 * signal, which no handler turns into an error. The meta pages and the length are looked at first, and then a process of its own
 * walks all keys. What a walk over keys does not read, the values, needs checksums of its own. An absent environment passes.
 * @throws AnteroomError 'corrupt', 'io', 'missing-library'
 */
export async function checkLmdb(environments: readonly LmdbOptions[]): Promise<void> {
  const present: LmdbOptions[] = [];
  for (const options of environments) {
    const file = `${options.path}/data.mdb`;
    const bytes = fileBytes(file);
    if (bytes !== null) {
      checkMeta(options, file, bytes);
      present.push(options);
    } else if (options.mustExist === true) throw corrupt(options, `${file} is missing`);
  }
  if (present.length === 0) return;
  const library = await lmdbAddress();
  const end = await probe(PROBE, [library, ...present.map(({ path }) => path)]);
  if (end.status === 0) return;
  // One of several: each alone tells which.
  for (const options of present) {
    const alone = present.length === 1 ? end : await probe(PROBE, [library, options.path]);
    if (alone.status !== 0) throw corrupt(options, `walking its keys ended with ${alone.signal ?? alone.said}`);
  }
}

/** Where the library lies. @throws AnteroomError 'missing-library' */
export async function lmdbAddress(): Promise<string> {
  try {
    return import.meta.resolve('lmdb');
  } catch (cause) {
    throw new AnteroomError('missing-library', 'lmdb is not installed: npm install lmdb', { cause });
  }
}

/**
 * Opens an environment for one process that writes, checked by `checkLmdb`.
 * @throws AnteroomError 'corrupt', 'io', 'missing-library'
 */
export async function openLmdb(options: LmdbOptions): Promise<RootDatabase<Uint8Array, Key>> {
  const { path, what } = options;
  if (options.isChecked !== true) await checkLmdb([options]);
  ensureFolder(path);
  const lmdb = await import('lmdb').catch((cause: unknown) => {
    throw new AnteroomError('missing-library', 'lmdb is not installed: npm install lmdb', { cause });
  });
  try {
    return lmdb.open<Uint8Array, Key>({ path, ...SETTINGS });
  } catch (cause) {
    throw lmdbFault(what, 'open', cause);
  }
}

/** An LMDB or system error as an operating fault. */
export function lmdbFault(what: string, step: string, cause: unknown): AnteroomError {
  if (cause instanceof AnteroomError) return cause;
  const { code, message } = cause as { code?: string | number; message?: string };
  // 28 ENOSPC, 122 EDQUOT, -30792 MDB_MAP_FULL; LMDB tells a short write as 5 EIO, and a full disk is by far its most frequent reason.
  const isFull = code === 28 || code === 122 || code === -30_792 || code === 5 || /no space/i.test(message ?? '');
  // -30796 MDB_CORRUPTED, -30795 MDB_PANIC, -30793 MDB_INVALID, -30797 MDB_PAGE_NOTFOUND
  const isCorrupt = typeof code === 'number' && code <= -30_793 && code >= -30_797;
  return new AnteroomError(
    isFull ? 'disk-full' : isCorrupt ? 'corrupt' : 'io',
    `${what}: ${step} failed: ${message ?? String(cause)}${isFull ? ' (is the disk full?)' : ''}`,
    { context: { what, step, reason: String(code ?? 'unknown') }, isRetryable: isFull, cause },
  );
}

/** At least one meta page is whole, and the file holds every page that it speaks of. */
function checkMeta(options: LmdbOptions, file: string, bytes: number): void {
  const head = fileHead(file, 2 * PAGE_BYTES);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let newest: { readonly transaction: bigint; readonly lastPage: bigint } | null = null;
  for (let at = 0; at + PAGE_BYTES <= head.length; at += PAGE_BYTES) {
    if (view.getUint32(at + 24, true) !== MAGIC) continue;
    const meta = { lastPage: view.getBigUint64(at + 144, true), transaction: view.getBigUint64(at + 152, true) };
    if (newest === null || meta.transaction > newest.transaction) newest = meta;
  }
  if (newest === null) throw corrupt(options, `${file} is no LMDB file`);
  // Page 1 is there from the start; before the first commit the file may be shorter than its meta says.
  const needed = (newest.lastPage + 1n) * BigInt(PAGE_BYTES);
  if (newest.transaction > 0n && BigInt(bytes) < needed)
    throw corrupt(options, `${file} has ${bytes} of ${needed} bytes`);
}

function corrupt(options: LmdbOptions, why: string): AnteroomError {
  return new AnteroomError('corrupt', `${options.what}: damaged: ${why}`, {
    context: { what: options.what, path: options.path },
  });
}

/** Walks all keys of all databases of the environments named by the arguments after the first. */
const PROBE = `
const [library, ...paths] = process.argv.slice(1).filter((word) => word !== '--');
const { open } = await import(library);
for (const path of paths) {
  const env = open({ path, encoding: 'binary', maxDbs: 8, readOnly: true });
  for (const name of [...env.getKeys()]) for (const key of env.openDB({ name, encoding: 'binary' }).getKeys()) void key;
}
process.exit(0);
`;
