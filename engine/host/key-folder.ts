/** The folder that holds a place's key and the keys of the places that it allows. */

import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AnteroomError } from '../errors.ts';
import { type AllowedKeys, formatAllowList, isPublicKey, parseAllowList } from '../transport/allow-list.ts';
import { PLACE } from '../transport/introduction.ts';
import { decodeZ85, encodeZ85 } from '../transport/z85.ts';
import { type CurveKeyPair, curveKeyPairOf, generateCurveKeyPair, SecretKey } from './curve-keys.ts';
import { ensureFolder } from './folder.ts';
import { readTextFile } from './text-file.ts';

/** What a place needs to speak and to listen. */
export interface PlaceKeys {
  readonly place: string;
  readonly keys: CurveKeyPair;
  readonly allowed: AllowedKeys;
  /** The key that a rotation has prepared, as Z85; null when none is under way. */
  readonly nextPublicKey: string | null;
}

/**
 * Reads the folder again, for whoever uses what was in it; what it resolves to puts that in force and says whether anything is different.
 * @throws AnteroomError as `readPlaceKeys`: then all is as it was
 */
export type RereadKeys = () => Promise<() => boolean>;

const CURRENT = 'place.key';
const NEXT = 'next.key';
const ALLOWED = 'allowed';
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/**
 * Makes the folder and a key in it, readable by its owner only. Returns the public key.
 * @throws AnteroomError `bad-usage` for a name that is none, `io` where there is a key already or the folder cannot be written
 */
export async function generatePlaceKeys(folder: string, place: string): Promise<string> {
  if (!PLACE.test(place)) {
    const expected = 'expected up to 64 letters, digits, dots, dashes and underscores';
    throw new AnteroomError('bad-usage', `${JSON.stringify(place).slice(0, 80)} is no name of a place: ${expected}`);
  }
  ensureFolder(folder);
  const keys = speakableKeyPair();
  await writeNew(join(folder, CURRENT), keyText(place, keys));
  await writeNew(join(folder, ALLOWED), formatAllowList(new Map())).catch((error: unknown) => {
    if (!(error instanceof AnteroomError && error.code === 'io')) throw error; // an allow-list made before the key stays
  });
  return encodeZ85(keys.publicKey);
}

/** @throws AnteroomError `not-found`, `io`, or `bad-config` for a file that is damaged or that others may read or write. */
export async function readPlaceKeys(folder: string): Promise<PlaceKeys> {
  const current = await readKey(join(folder, CURRENT));
  const next = await readKey(join(folder, NEXT)).catch((error: unknown) => {
    if (error instanceof AnteroomError && error.code === 'not-found') return null;
    throw error;
  });
  return {
    ...current,
    allowed: await readAllowed(folder),
    nextPublicKey: next === null ? null : encodeZ85(next.keys.publicKey),
  };
}

/** Whether they are not the same to those who speak and listen by them. */
export function keysDiffer(a: PlaceKeys, b: PlaceKeys): boolean {
  const text = ({ place, keys, allowed }: PlaceKeys): string =>
    `${place} ${encodeZ85(keys.publicKey)}\n${formatAllowList(allowed)}`;
  return text(a) !== text(b);
}

/**
 * Lets a key speak for a place, beside those it has, or no longer.
 * @throws AnteroomError `bad-usage` for what is no place or public key
 */
export async function changeAllowed(
  folder: string,
  place: string,
  publicKey: string,
  isAllowed: boolean,
): Promise<void> {
  if (!PLACE.test(place))
    throw new AnteroomError('bad-usage', `${JSON.stringify(place).slice(0, 80)} is no name of a place`);
  if (!isPublicKey(publicKey)) throw new AnteroomError('bad-usage', 'expected a public key of 40 characters of Z85');
  const allowed = new Map(await readAllowed(folder));
  const others = (allowed.get(place) ?? []).filter((key) => key !== publicKey);
  const keys = isAllowed ? [...others, publicKey] : others;
  if (keys.length > 0) allowed.set(place, keys);
  else allowed.delete(place);
  await replace(join(folder, ALLOWED), formatAllowList(allowed));
}

/** Prepares the next key beside the present one, which stays in use. Returns its public key, for others to allow. */
export async function prepareRotation(folder: string): Promise<string> {
  const { place } = await readKey(join(folder, CURRENT));
  const keys = speakableKeyPair();
  await writeNew(join(folder, NEXT), keyText(place, keys));
  return encodeZ85(keys.publicKey);
}

/** Puts the prepared key in the place of the present one, which is gone then. Returns the public key now in use. */
export async function activateRotation(folder: string): Promise<string> {
  const { keys } = await readKey(join(folder, NEXT));
  await attempt(folder, () => rename(join(folder, NEXT), join(folder, CURRENT)));
  return encodeZ85(keys.publicKey);
}

/** A public key that no shell and no option parser takes for something else at its start. */
function speakableKeyPair(): CurveKeyPair {
  for (;;) {
    const keys = generateCurveKeyPair();
    if (/^[0-9A-Za-z]/.test(encodeZ85(keys.publicKey))) return keys;
  }
}

function keyText(place: string, keys: CurveKeyPair): string {
  return [
    '# Whoever has this file can speak as the place that it names. Keep it secret.',
    `place ${place}`,
    `public ${encodeZ85(keys.publicKey)}`,
    `secret ${encodeZ85(keys.secretKey.reveal())}`,
    '',
  ].join('\n');
}

async function readKey(path: string): Promise<{ readonly place: string; readonly keys: CurveKeyPair }> {
  const text = await readTextFile(path);
  await checkMode(path);
  const fields = new Map(
    text
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words.length === 2)
      .map(([name, value]) => [name!, value!]),
  );
  const place = fields.get('place') ?? '';
  const secret = decodeZ85(fields.get('secret') ?? '');
  if (!PLACE.test(place) || secret?.length !== 32) throw damaged(path);
  const keys = curveKeyPairOf(new SecretKey(secret));
  if (encodeZ85(keys.publicKey) !== fields.get('public')) throw damaged(path);
  return { place, keys };
}

async function readAllowed(folder: string): Promise<AllowedKeys> {
  const path = join(folder, ALLOWED);
  const text = await readTextFile(path);
  await checkMode(path);
  return parseAllowList(text, path);
}

/** A secret that others can read is none, and a list that others can write allows anybody. */
async function checkMode(path: string): Promise<void> {
  const { mode } = await attempt(path, () => stat(path));
  if ((mode & OTHERS) === 0 || process.platform === 'win32') return;
  throw new AnteroomError('bad-config', `${path}: others may use this file; chmod 600 it`, { context: { file: path } });
}

async function writeNew(path: string, text: string): Promise<void> {
  await attempt(path, async () => {
    const file = await open(path, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

async function replace(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  await rm(partial, { force: true });
  await writeNew(partial, text);
  await attempt(path, async () => {
    await chmod(partial, OWNER_ONLY);
    await rename(partial, path);
  });
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new AnteroomError('not-found', `${path}: no such file or folder`, { cause });
    const why = code === 'EEXIST' ? 'is there already; a key is never overwritten' : message;
    throw new AnteroomError('io', `${path}: ${why}`, { cause, context: { file: path } });
  }
}

/** Says nothing of what is in the file. */
function damaged(path: string): AnteroomError {
  return new AnteroomError('bad-config', `${path}: damaged: expected place, public and secret that belong together`, {
    context: { file: path },
  });
}
