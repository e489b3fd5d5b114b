/** The last accesses of each consumer, in bounded memory. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * The last `length` (segment, instant) for each of at most `contextsMax` consumers; the least recently active one
 * makes room. Accesses that name no consumer share one context, so they form one global order.
 * A context is open while a source among its entries may still be followed: for `length` accesses after the last source.
 * O(length) per access. Memory: 13 x length + 20 bytes a context, 4 bytes a consumer id ever seen.
 */
export class ConsumerContexts {
  readonly length: number;
  readonly #contextsMax: number;
  /** Entries `context * length + back`, back = 0 the last access. */
  segment: Uint32Array;
  instant: Float64Array;
  /** 1 = a source, whose successors are counted. */
  isSource: Uint8Array;
  #open: Int32Array;
  #openCount = 0;
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
    this.isSource = new Uint8Array(n * length);
    this.#open = new Int32Array(n);
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

  /** Contexts whose next access may follow a source. */
  get openCount(): number {
    return this.#openCount;
  }

  /** The open context of `consumer` (-1 = unnamed), else -1. */
  findOpen(consumer: number): number {
    const key = consumer + 1;
    const context = key < this.#contextOf.length ? this.#contextOf[key]! : -1;
    return context >= 0 && this.#open[context]! > 0 ? context : -1;
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
    return context * this.length + back;
  }

  /** Appends an access. The others move up: for the few that are kept that is cheaper than a ring. */
  push(context: number, segment: number, instant: number, isSource: boolean): void {
    const open = this.#open[context]!;
    if (isSource) {
      if (open === 0) this.#openCount++;
      this.#open[context] = this.length;
    } else if (open > 0) {
      this.#open[context] = open - 1;
      if (open === 1) this.#openCount--;
    }
    const base = context * this.length;
    const filled = this.#filled[context]!;
    let at = filled < this.length ? filled : filled - 1;
    if (filled < this.length) this.#filled[context] = filled + 1;
    for (; at > 0; at--) {
      this.segment[base + at] = this.segment[base + at - 1]!;
      this.instant[base + at] = this.instant[base + at - 1]!;
      this.isSource[base + at] = this.isSource[base + at - 1]!;
    }
    this.segment[base] = segment;
    this.instant[base] = instant;
    this.isSource[base] = isSource ? 1 : 0;
  }

  /** Everything but what the settings give: #contextsMax. */
  persist(fields: StateFields): void {
    this.segment = fields.array(this.segment);
    this.instant = fields.array(this.instant);
    this.isSource = fields.array(this.isSource);
    this.#open = fields.array(this.#open);
    this.#openCount = fields.number(this.#openCount);
    this.#filled = fields.array(this.#filled);
    this.#consumer = fields.array(this.#consumer);
    this.#previous = fields.array(this.#previous);
    this.#next = fields.array(this.#next);
    this.#contextOf = fields.array(this.#contextOf);
    this.#capacity = fields.number(this.#capacity);
    this.#count = fields.number(this.#count);
    this.#newest = fields.number(this.#newest);
    this.#oldest = fields.number(this.#oldest);
    this.#forgottenCount = fields.number(this.#forgottenCount);
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
    if (this.#open[context]! > 0) this.#openCount--;
    this.#open[context] = 0;
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
      const isSource = new Uint8Array(n * this.length);
      isSource.set(this.isSource);
      this.isSource = isSource;
      this.#open = grownInt32(this.#open, n, 0);
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
