/** Traces with planted order, and an address space, for tests of the near loop. */

import type { RandomSource } from '../../../engine/random.ts';
import type { AddressSpace } from '../../../streams/address-space.ts';
import type { ModelAccess } from './model-site.ts';

/** Uniform accesses: nothing to predict. */
export function uniformTrace(random: RandomSource, length: number, segmentCount: number): ModelAccess[] {
  return Array.from({ length }, () => ({ segment: random.int(segmentCount) }));
}

/**
 * Pairs among noise: source s is followed at once by its own target with the probability of its class, else by noise. Sources
 * and targets are many, so that a target is seldom resident when its source comes.
 */
export function plantedPairs(
  random: RandomSource,
  length: number,
  probabilities: readonly number[],
  pairsEach: number,
): ModelAccess[] {
  const pairCount = probabilities.length * pairsEach;
  const accesses: ModelAccess[] = [];
  while (accesses.length < length) {
    const pair = random.int(pairCount);
    accesses.push({ segment: pair });
    const isFollowed = random.next() < probabilities[pair % probabilities.length]!;
    accesses.push({ segment: isFollowed ? pairCount + pair : 2 * pairCount + random.int(50_000) });
  }
  return accesses;
}

/** Consumers that each walk one of a few fixed paths, interleaved at random, with some repeats and noise. */
export function walks(random: RandomSource, length: number, consumerCount: number): ModelAccess[] {
  const paths = Array.from({ length: 40 }, () => Array.from({ length: 12 }, () => random.int(3000)));
  const at = Array.from({ length: consumerCount }, () => ({ path: random.int(40), step: 0 }));
  return Array.from({ length }, () => {
    const consumer = random.int(consumerCount);
    const state = at[consumer]!;
    if (state.step === 12 || random.next() < 0.03) at[consumer] = { path: random.int(40), step: 0 };
    const { path, step } = at[consumer]!;
    if (random.next() < 0.1) return { segment: 3000 + random.int(3000), consumer };
    at[consumer]!.step = random.next() < 0.1 ? step : step + 1;
    return { segment: paths[path]![step]!, consumer };
  });
}

/** Walks on shared paths, half of the accesses by one consumer who steps onto paths and never follows them. */
export function walksWithLiar(random: RandomSource, length: number): ModelAccess[] {
  const honest = walks(random, length, 8);
  return honest.flatMap((access) => [access, { segment: honest[random.int(honest.length)]!.segment, consumer: 99 }]);
}

/** Streams through an address space, some strided, among noise; the ids are handed out in order of first sight. */
export function streams(random: RandomSource, length: number, space: AddressSpace): ModelAccess[] {
  const next = Array.from({ length: 24 }, (_, i) => i * 40_000_000);
  return Array.from({ length }, () => {
    if (random.next() < 0.2) return { segment: space.segmentAt(2 ** 32 + random.int(2 ** 30)), sizeBytes: 512 };
    const stream = random.int(24);
    const units = 1 + random.int(8);
    const address = next[stream]!;
    next[stream] =
      random.next() < 0.01 ? stream * 40_000_000 + random.int(30_000_000) : address + (stream % 3 === 0 ? 100 : units);
    return { segment: space.segmentAt(address), sizeBytes: units * 512 };
  });
}

/** Addresses interned to ids in order of first sight. */
export class MapAddressSpace implements AddressSpace {
  readonly unitBytes = 512;
  readonly #addresses: number[] = [];
  readonly #ids = new Map<number, number>();

  get count(): number {
    return this.#addresses.length;
  }

  addressOf(segment: number): number {
    return this.#addresses[segment]!;
  }

  segmentAt(address: number): number {
    if (address < 0 || !Number.isSafeInteger(address)) return -1;
    let id = this.#ids.get(address);
    if (id === undefined) {
      id = this.#addresses.push(address) - 1;
      this.#ids.set(address, id);
    }
    return id;
  }
}
