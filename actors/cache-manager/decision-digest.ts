/** A running hash of every decision in order, so that two replays can be compared bit for bit. */

import type { StateFields } from '../../engine/state-fields.ts';
import { type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';

/** Codes of what was decided; those of `Served`, `Outcome` and `Refusal` are added to theirs. */
export const Decision = { served: 0, issued: 4, outcome: 5, withdrawn: 11, refused: 12 } as const;

/**
 * Two 32-bit lanes of multiply and rotate, in the manner of MurmurHash3 (Appleby, public domain description), finished by its
 * avalanche. Integer arithmetic only, hence equal on every platform. Not cryptographic: it shows difference, not tampering.
 */
export class DecisionDigest {
  // As 32 bits with a sign: what is too large for that would be kept as a double.
  #a = 0x9747b28c | 0;
  #b = 0x5bd1e995;
  #length = 0;

  /** Mixes in one decision: what was decided (a small code) and about which segment. */
  add(code: number, segment: number): void {
    let k = Math.imul(segment ^ (code << 28), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    this.#a = (Math.imul(((this.#a ^ k) << 13) | ((this.#a ^ k) >>> 19), 5) + 0xe6546b64) | 0;
    k = Math.imul((segment + 0x7f4a7c15) ^ Math.imul(code + 1, 0x9e3779b1), 0x1b873593);
    k = (k << 16) | (k >>> 16);
    this.#b = (Math.imul(((this.#b ^ k) << 17) | ((this.#b ^ k) >>> 15), 9) + (this.#a ^ 0x38b34ae5)) | 0;
    this.#length++;
  }

  /** Mixes in `code[i - from]` about `segment[i]` for the rows [from, to), as `add` would one by one. */
  addAll(code: Uint8Array, segment: Uint32Array, from: number, to: number): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = from; i < to; i++) {
      const c = code[i - from]!;
      const s = segment[i]! | 0;
      let k = Math.imul(s ^ (c << 28), 0xcc9e2d51);
      k = (k << 15) | (k >>> 17);
      a = (Math.imul(((a ^ k) << 13) | ((a ^ k) >>> 19), 5) + 0xe6546b64) | 0;
      k = Math.imul((s + 0x7f4a7c15) ^ Math.imul(c + 1, 0x9e3779b1), 0x1b873593);
      k = (k << 16) | (k >>> 16);
      b = (Math.imul(((b ^ k) << 17) | ((b ^ k) >>> 15), 9) + (a ^ 0x38b34ae5)) | 0;
    }
    this.#a = a;
    this.#b = b;
    this.#length += to - from;
  }

  /** Sixteen hexadecimal digits. */
  hex(): string {
    const a = avalanche(this.#a ^ this.#length);
    const b = avalanche(this.#b + a);
    return hex32(a) + hex32(b);
  }

  lend({ numbers, words }: SiteBooks): void {
    words[SiteWord.digestA] = this.#a;
    words[SiteWord.digestB] = this.#b;
    numbers[SiteNumber.digestLength] = this.#length;
  }

  takeBack({ numbers, words }: SiteBooks): void {
    this.#a = words[SiteWord.digestA]!;
    this.#b = words[SiteWord.digestB]!;
    this.#length = numbers[SiteNumber.digestLength]!;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#a = fields.number(this.#a);
    this.#b = fields.number(this.#b);
    this.#length = fields.number(this.#length);
  }
}

function avalanche(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hex32(x: number): string {
  return (x >>> 0).toString(16).padStart(8, '0');
}
