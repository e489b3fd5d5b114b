/** Steps that no training has seen yet, by consumer, cut into sequences when they are taken. */

/**
 * A consumer's new steps follow the last few before them, which give context and are not learned again. More than `numbersMax` numbers are
 * not kept until the next training: what comes then is dropped, and counted. O(1) a step.
 */
export class PendingSequences {
  droppedCount = 0;
  readonly #lengthMax: number;
  readonly #numbersMax: number;
  #consumers = new Map<number, { rows: number[]; context: number }>();
  #count = 0;

  constructor(lengthMax: number, numbersMax: number) {
    this.#lengthMax = lengthMax;
    this.#numbersMax = numbersMax;
  }

  has(consumer: number): boolean {
    return this.#consumers.has(consumer);
  }

  /** A step before the new ones; row -1 = no longer known. */
  begin(consumer: number, row: number): void {
    if (row < 0) return;
    const pending = this.#of(consumer);
    pending.rows.push(row);
    pending.context++;
    this.#count++;
  }

  add(consumer: number, row: number): void {
    // Each cut repeats up to half of the sequence before it and has a header.
    if (3 * this.#count + 4 * this.#consumers.size > this.#numbersMax) {
      this.droppedCount++;
      return;
    }
    this.#of(consumer).rows.push(row);
    this.#count++;
  }

  /** All of it as `length, skip, row...`, consumers in the order in which they came. */
  take(): Int32Array {
    const numbers: number[] = [];
    for (const { rows, context } of this.#consumers.values()) this.#cut(rows, context, numbers);
    this.#consumers = new Map();
    this.#count = 0;
    return Int32Array.from(numbers);
  }

  #cut(rows: readonly number[], context: number, into: number[]): void {
    const overlap = this.#lengthMax >> 1;
    let from = 0;
    // The first row that is still to be predicted.
    let next = Math.max(1, context);
    while (next < rows.length) {
      const to = Math.min(rows.length, from + this.#lengthMax + 1);
      into.push(to - from, next - from - 1);
      for (let i = from; i < to; i++) into.push(rows[i]!);
      next = to;
      from = Math.max(0, to - overlap);
    }
  }

  #of(consumer: number): { rows: number[]; context: number } {
    let pending = this.#consumers.get(consumer);
    if (pending === undefined) {
      pending = { rows: [], context: 0 };
      this.#consumers.set(consumer, pending);
    }
    return pending;
  }
}
