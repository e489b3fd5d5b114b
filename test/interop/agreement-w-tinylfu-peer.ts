/** The rules of the peer's W-TinyLFU where they depart from the paper, over unit sizes: to show that they are the difference. D-064 of evictions/README.md says them in words. */

const MASK = (1n << 64n) - 1n;
const PRIMES = [
  11400714785074694791n,
  14029467366897019727n,
  1609587929392839161n,
  9650029242287828579n,
  2870177450012600261n,
] as const;
const SEEDS = [0x12345678, 0x12344321] as const;
const PLACES = 10;
const COUNTERS_PER_SEGMENT = Math.log(1000) / Math.log(2) ** 2;

/** XXH64 of an 8-byte little-endian number, its lowest 32 bits. Source: xxHash fast digest algorithm, "XXH64 algorithm description". */
function xxh64Low(value: bigint, seed: number): number {
  const turn = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & MASK;
  const lane = (turn((value * PRIMES[1]) & MASK, 31n) * PRIMES[0]) & MASK;
  let h = ((BigInt(seed) + PRIMES[4] + 8n) & MASK) ^ lane;
  h = (turn(h, 27n) * PRIMES[0] + PRIMES[3]) & MASK;
  h = ((h ^ (h >> 33n)) * PRIMES[1]) & MASK;
  h = ((h ^ (h >> 29n)) * PRIMES[2]) & MASK;
  return Number((h ^ (h >> 32n)) & 0xffffffffn);
}

/** Counts that share counters: each name adds to ten of them and reads the least. */
class SharedCounts {
  readonly #counters: Uint32Array;
  readonly #first: Uint32Array;
  readonly #stride: Uint32Array;

  constructor(numbers: readonly number[], segments: number) {
    this.#counters = new Uint32Array(Math.ceil(COUNTERS_PER_SEGMENT * segments));
    this.#first = Uint32Array.from(numbers, (number) => xxh64Low(BigInt(number), SEEDS[0]));
    this.#stride = Uint32Array.from(numbers, (number) => xxh64Low(BigInt(number), SEEDS[1]));
  }

  add(id: number): void {
    for (let i = 0; i < PLACES; i++) this.#counters[this.#place(id, i)]!++;
  }

  of(id: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < PLACES; i++) least = Math.min(least, this.#counters[this.#place(id, i)]!);
    return least;
  }

  halve(): void {
    for (let i = 0; i < this.#counters.length; i++) this.#counters[i] = this.#counters[i]! >>> 1;
  }

  #place(id: number, i: number): number {
    return ((this.#first[id]! + Math.imul(i, this.#stride[id]!)) >>> 0) % this.#counters.length;
  }
}

/** Misses of the peer's rules; `numbers` are the names of the ids, which decide where their counters lie. */
export function peerWTinyLfuMisses(segments: Int32Array, numbers: readonly number[], capacity: number): number {
  const mainMax = capacity - Math.trunc(capacity * 0.01);
  const [probationMax, protectedMax] = [Math.trunc(mainMax / 5), Math.trunc((4 / 5) * mainMax)];
  const counts = new SharedCounts(numbers, mainMax);
  // Sets keep their order: the first is the oldest.
  const window = new Set<number>();
  const probation = new Set<number>();
  const protectedOnes = new Set<number>();
  const oldestOf = (list: Set<number>): number => list.values().next().value!;
  const mainSize = (): number => probation.size + protectedOnes.size;
  const victim = (): number => oldestOf(probation.size > 0 ? probation : protectedOnes);
  const drop = (id: number): void => {
    if (!probation.delete(id)) protectedOnes.delete(id);
  };
  const admit = (id: number): void => {
    if (probation.size < probationMax) probation.add(id);
    else if (protectedOnes.size < protectedMax) protectedOnes.add(id);
    else {
      while (mainSize() >= mainMax) drop(victim());
      probation.add(id);
    }
  };
  const promote = (id: number): void => {
    const wasProtected = protectedOnes.delete(id);
    probation.delete(id);
    protectedOnes.add(id);
    while (!wasProtected && protectedOnes.size > protectedMax) {
      const cooled = oldestOf(protectedOnes);
      protectedOnes.delete(cooled);
      probation.add(cooled);
      // Shares are rounded down, so a newcomer can find both full and exceed one: then a hit drives somebody out.
      while (probation.size > probationMax) drop(victim());
    }
  };
  const makeRoom = (): void => {
    for (;;) {
      if (window.size === 0) {
        drop(victim());
        return;
      }
      const candidate = oldestOf(window);
      window.delete(candidate);
      const isFull = mainSize() >= mainMax;
      const wins = !isFull || counts.of(candidate) > counts.of(victim());
      if (isFull && wins) drop(victim());
      if (wins) admit(candidate);
      counts.add(candidate);
      if (!wins) return;
    }
  };
  let missCount = 0;
  let mainHits = 0;
  for (const id of segments) {
    if (window.delete(id)) window.add(id);
    else if (probation.has(id) || protectedOnes.has(id)) {
      promote(id);
      counts.add(id);
      if (++mainHits % (32 * mainMax) === 0) counts.halve();
    } else {
      missCount++;
      while (window.size + mainSize() >= capacity) makeRoom();
      window.add(id);
      counts.add(id);
    }
  }
  return missCount;
}
