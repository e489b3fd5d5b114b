/** The words by which logs name what an access did. */

import { Operation, type OperationCode } from '../operation.ts';

const WORDS: Readonly<Record<'read' | 'write' | 'delete', string>> = {
  read: 'r read rd get gets head select fetch download open lookup load view hit miss',
  write: 'w write wr put post set add replace cas append prepend insert update upload patch create store incr decr',
  delete: 'd delete del remove rm evict unlink purge',
};

interface Word {
  readonly bytes: Uint8Array;
  readonly code: OperationCode;
}

/** By first letter, lower case. */
const wordsByLetter: readonly (readonly Word[])[] = (() => {
  const table: Word[][] = Array.from({ length: 128 }, () => []);
  for (const name of ['read', 'write', 'delete'] as const)
    for (const word of WORDS[name].split(' '))
      table[word.charCodeAt(0)]!.push({ bytes: new TextEncoder().encode(word), code: Operation[name] });
  return table;
})();

/** The operation that bytes [start, end) name, case ignored; an empty field, `-` and `-1` are reads, an unknown word is `other`. */
export function operationOf(bytes: Uint8Array, start: number, end: number): OperationCode {
  const length = end - start;
  if (length === 0) return Operation.read;
  const first = bytes[start]!;
  if (first === 45) return length === 1 || (length === 2 && bytes[start + 1] === 49) ? Operation.read : Operation.other;
  if (first >= 128) return Operation.other;
  const candidates = wordsByLetter[first | 32]!;
  for (let c = 0; c < candidates.length; c++) {
    const word = candidates[c]!;
    if (word.bytes.length !== length) continue;
    let i = 1;
    while (i < length && (bytes[start + i]! | 32) === word.bytes[i]) i++;
    if (i === length) return word.code;
  }
  return Operation.other;
}
