/** Chance as an argument: a seeded source of random numbers, equal on every platform. */

import { assert } from './assert.ts';

/** A deterministic stream of random numbers. */
export interface RandomSource {
  /** Uniform in [0, 1) with 32 bits of resolution. */
  next(): number;
  /** Uniform integer in [0, bound); `bound` in 1..2^32. */
  int(bound: number): number;
  /** An independent stream named by `label`; the same label from the same seed gives the same stream, whatever was drawn before. */
  fork(label: string): RandomSource;
}

/**
 * xoshiro128** seeded through splitmix32.
 *
 * Chosen because it needs only 32-bit integer arithmetic, so the stream is the same on every engine and Node version.
 * Not for secrets. Source: Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 2021.
 */
export class Xoshiro128 implements RandomSource {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    assert(Number.isInteger(seed), `a seed is an integer, not ${seed}`);
    this.#seed = seed >>> 0;
    // Seeds beyond 32 bits fold their high word in, so that 1 and 2^32 + 1 differ.
    let state = (this.#seed ^ Math.imul(Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b1)) >>> 0;
    const splitmix = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = splitmix();
    this.#b = splitmix();
    this.#c = splitmix();
    this.#d = splitmix() | 1; // never the all-zero state
  }

  #u32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled;
  }

  next(): number {
    return this.#u32() / 2 ** 32;
  }

  int(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, `a bound is an integer in 1..2^32, not ${bound}`);
    return Math.floor((this.#u32() / 2 ** 32) * bound);
  }

  fork(label: string): RandomSource {
    // FNV-1a over the label, mixed with the seed alone: draws made so far must not matter.
    let hash = 0x811c9dc5;
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    return new Xoshiro128((this.#seed ^ Math.imul(hash, 0x85ebca6b)) >>> 0);
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
