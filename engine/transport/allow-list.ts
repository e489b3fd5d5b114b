/** Which keys may speak for which place. */

import { AnteroomError } from '../errors.ts';
import { PLACE } from './introduction.ts';
import { decodeZ85 } from './z85.ts';

/** Bytes of a CURVE key. */
export const KEY_BYTES = 32;

/** A place has several keys while it changes from one to the next. */
export type AllowedKeys = ReadonlyMap<string, readonly string[]>;

/** Keys are public and written as Z85. It can be replaced while in use: later handshakes go by the new one. */
export class AllowList {
  #byPlace: AllowedKeys;
  #all: ReadonlySet<string>;

  constructor(keys: AllowedKeys = new Map()) {
    this.#byPlace = keys;
    this.#all = allOf(keys);
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** Whether any place has this key: what can be known before a peer has said who it is. */
  allowsKey(key: string): boolean {
    return this.#all.has(key);
  }

  /** Keys of a place, the one to try first in front. */
  keysOf(place: string): readonly string[] {
    return this.#byPlace.get(place) ?? [];
  }

  get keys(): AllowedKeys {
    return this.#byPlace;
  }

  /** Returns whether the new ones are others. */
  replace(keys: AllowedKeys): boolean {
    const isOther = formatAllowList(keys) !== formatAllowList(this.#byPlace);
    this.#byPlace = keys;
    this.#all = allOf(keys);
    return isOther;
  }
}

/**
 * Reads lines of `place public-key`; empty lines and lines that begin with `#` are comments.
 * @throws AnteroomError `bad-config` with the line
 */
export function parseAllowList(text: string, source: string): AllowedKeys {
  const keys = new Map<string, string[]>();
  text.split('\n').forEach((line, i) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]!.startsWith('#')) return;
    const [place, key] = words as [string, string | undefined];
    const problem =
      words.length !== 2
        ? 'expected a place and a public key'
        : !PLACE.test(place)
          ? `${JSON.stringify(place)} is no name of a place`
          : !isPublicKey(key!)
            ? 'expected a public key of 40 characters of Z85'
            : undefined;
    if (problem !== undefined) {
      throw new AnteroomError('bad-config', `${source}: line ${i + 1}: ${problem}`, {
        context: { source, line: i + 1 },
      });
    }
    keys.set(place, [...(keys.get(place) ?? []).filter((known) => known !== key), key!]);
  });
  return keys;
}

export function formatAllowList(keys: AllowedKeys): string {
  const lines = [...keys].flatMap(([place, ofPlace]) => ofPlace.map((key) => `${place} ${key}\n`));
  return `# Places that may connect, each with its public key. A place may have several.\n${lines.join('')}`;
}

export function isPublicKey(text: string): boolean {
  return decodeZ85(text)?.length === KEY_BYTES;
}

function allOf(keys: AllowedKeys): ReadonlySet<string> {
  return new Set([...keys.values()].flat());
}
