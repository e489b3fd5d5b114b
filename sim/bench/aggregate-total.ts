/** What an aggregation came to, for comparing those who claim to have done it. */

/** The numbers of all windows added up: each contender has to have computed every one of them. */
export class Total {
  #keys = 0;
  #count = 0;
  #bytes = 0;
  #last = 0;
  #decayed = 0;

  add(count: number, bytes: number, last: number, decayed: number): void {
    this.#keys++;
    this.#count += count;
    this.#bytes += bytes;
    this.#last = Math.max(this.#last, last);
    this.#decayed += decayed;
  }

  answer(): string {
    return answerOf([this.#keys, this.#count, this.#bytes, this.#last, this.#decayed]);
  }
}

/** Everything but the decayed frequency is exact; that one differs in the last bits with the order of additions. */
export function answerOf(totals: readonly number[]): string {
  const [keys, count, bytes, last, decayed] = totals;
  return `${keys} keys, ${count} accesses, ${bytes} bytes, last at ${last}, decayed ${decayed!.toPrecision(9)}`;
}
