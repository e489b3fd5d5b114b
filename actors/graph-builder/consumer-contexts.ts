/** The last accesses of each consumer, in bounded memory. */

/**
 * A ring of the last `length` (segment, instant) for each of at most `contextsMax` consumers; the least recently active one
 * makes room. Accesses that name no consumer share one context, so they form one global order.
 * O(1) per access. Memory: 12 x length + 16 bytes a context, 4 bytes a consumer id ever seen.
 */
export class ConsumerContexts {
  readonly length: number;
  readonly #contextsMax: number;
  /** Rings: entry `context * length + (head + i) % length`, i = 0 the oldest. */
  segment: Uint32Array;
  instant: Float64Array;
  #head: Int32Array;
  #filled: Int32Array;
  #consumer: Int32Array;
  #previous: Int32Array;
  #next: Int32Array;
  #contextOf = new Int32Array(1024).fill(-1);
  #capacity: number;
  #count = 0;
  #newest = -1;
  #oldest = -1;
  #forgottenCount = 0;

  constructor(length: number, contextsMax: number) {
    this.length = length;
    this.#contextsMax = contextsMax;
    const n = Math.min(16, contextsMax);
    this.#capacity = n;
    this.segment = new Uint32Array(n * length);
    this.instant = new Float64Array(n * length);
    this.#head = new Int32Array(n);
    this.#filled = new Int32Array(n);
    this.#consumer = new Int32Array(n);
    this.#previous = new Int32Array(n);
    this.#next = new Int32Array(n);
  }

  get count(): number {
    return this.#count;
  }

  /** Consumers whose context made room for another. */
  get forgottenCount(): number {
    return this.#forgottenCount;
  }

  /** The context of `consumer` (-1 = unnamed), made most recent. */
  touch(consumer: number): number {
    const key = consumer + 1;
    if (key >= this.#contextOf.length) this.#contextOf = grownInt32(this.#contextOf, key + 1, -1);
    let context = this.#contextOf[key]!;
    if (context < 0) {
      context = this.#count < this.#contextsMax ? this.#add() : this.#reuseOldest();
      this.#contextOf[key] = context;
      this.#consumer[context] = consumer;
      this.#filled[context] = 0;
      this.#head[context] = 0;
    } else if (context !== this.#newest) {
      this.#unlink(context);
    } else {
      return context;
    }
    this.#previous[context] = -1;
    this.#next[context] = this.#newest;
    if (this.#newest >= 0) this.#previous[this.#newest] = context;
    else this.#oldest = context;
    this.#newest = context;
    return context;
  }

  /** Entries held of `context`. */
  filled(context: number): number {
    return this.#filled[context]!;
  }

  /** Index into `segment` and `instant` of the entry `back` accesses ago, 0 = the last. */
  entry(context: number, back: number): number {
    const at = this.#head[context]! + this.#filled[context]! - 1 - back;
    return context * this.length + (at >= this.length ? at - this.length : at);
  }

  push(context: number, segment: number, instant: number): void {
    const length = this.length;
    let at = this.#head[context]! + this.#filled[context]!;
    if (this.#filled[context]! < length) {
      this.#filled[context]!++;
      if (at >= length) at -= length;
    } else {
      at = this.#head[context]!;
      this.#head[context] = at + 1 === length ? 0 : at + 1;
    }
    this.segment[context * length + at] = segment;
    this.instant[context * length + at] = instant;
  }

  /** The context that follows `context` in order of decreasing recency (the most recent for -1); -1 at the end. */
  after(context: number): number {
    return context < 0 ? this.#newest : this.#next[context]!;
  }

  #unlink(context: number): void {
    const previous = this.#previous[context]!;
    const next = this.#next[context]!;
    if (previous >= 0) this.#next[previous] = next;
    else this.#newest = next;
    if (next >= 0) this.#previous[next] = previous;
    else this.#oldest = previous;
  }

  #reuseOldest(): number {
    const context = this.#oldest;
    this.#unlink(context);
    this.#contextOf[this.#consumer[context]! + 1] = -1;
    this.#forgottenCount++;
    return context;
  }

  #add(): number {
    if (this.#count === this.#capacity) {
      const n = Math.min(this.#contextsMax, this.#capacity * 2);
      const segment = new Uint32Array(n * this.length);
      segment.set(this.segment);
      this.segment = segment;
      const instant = new Float64Array(n * this.length);
      instant.set(this.instant);
      this.instant = instant;
      this.#head = grownInt32(this.#head, n, 0);
      this.#filled = grownInt32(this.#filled, n, 0);
      this.#consumer = grownInt32(this.#consumer, n, 0);
      this.#previous = grownInt32(this.#previous, n, 0);
      this.#next = grownInt32(this.#next, n, 0);
      this.#capacity = n;
    }
    return this.#count++;
  }
}

function grownInt32(array: Int32Array, lengthMin: number, fill: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(lengthMin, array.length * 2)).fill(fill);
  longer.set(array);
  return longer;
}
