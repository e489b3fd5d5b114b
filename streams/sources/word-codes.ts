/** A small closed vocabulary, looked up by bytes without making strings. */

import { assert } from '../../engine/assert.ts';

/** Words with their codes. Case counts. Cost of a look-up: the words that share the first byte's low five bits and the length. */
export class WordCodes<Code extends number> {
  /** By (first byte mod 32) * 32 + length. */
  readonly #buckets: { readonly bytes: Uint8Array; readonly code: Code }[][] = Array.from({ length: 1024 }, () => []);
  /** The words, for messages. */
  readonly words: string;

  /** Words are ASCII, 1 to 31 bytes long. */
  constructor(codes: readonly (readonly [word: string, code: Code])[]) {
    for (const [word, code] of codes) {
      assert(/^[!-~]{1,31}$/.test(word), `a word is 1 to 31 ASCII characters, not "${word}"`);
      this.#buckets[(word.charCodeAt(0) & 31) * 32 + word.length]!.push({
        bytes: new TextEncoder().encode(word),
        code,
      });
    }
    this.words = codes.map(([word]) => word).join('/');
  }

  /** The code of the word in bytes [start, end), or null. */
  codeOf(bytes: Uint8Array, start: number, end: number): Code | null {
    const length = end - start;
    if (length < 1 || length > 31) return null;
    const bucket = this.#buckets[(bytes[start]! & 31) * 32 + length]!;
    for (let b = 0; b < bucket.length; b++) {
      const word = bucket[b]!.bytes;
      let i = 0;
      while (i < length && bytes[start + i] === word[i]) i++;
      if (i === length) return bucket[b]!.code;
    }
    return null;
  }
}
