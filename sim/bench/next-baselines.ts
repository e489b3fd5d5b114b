/** The yardsticks of `bench:next`, kept as plain as possible and without bounds: first-order Markov, and the most frequent. */

/** What a yardstick can do; rankings are exact counts, ties in the order of first sight. */
export interface NextBaseline {
  readonly name: string;
  /** Place (0..3) of `segment` among the four best after `previous`, which is barred; -1 = not among them. */
  placeOf(previous: number, segment: number): number;
  learn(previous: number, segment: number): void;
}

/** Top four of a growing set of counts, kept as counts grow by one. */
class TopCounts {
  readonly #counts = new Map<number, number>();
  /** A few more than four, since one may be barred. */
  readonly #top: number[] = [];

  count(segment: number): void {
    const counts = this.#counts;
    const top = this.#top;
    const n = (counts.get(segment) ?? 0) + 1;
    counts.set(segment, n);
    let at = top.indexOf(segment);
    if (at < 0) {
      if (top.length === 5 && counts.get(top[4]!)! >= n) return;
      at = top.length === 5 ? 4 : top.length;
      top[at] = segment;
    }
    for (; at > 0 && counts.get(top[at - 1]!)! < n; at--) {
      top[at] = top[at - 1]!;
      top[at - 1] = segment;
    }
  }

  placeOf(barred: number, segment: number): number {
    let place = 0;
    for (const other of this.#top) {
      if (other === barred) continue;
      if (other === segment) return place < 4 ? place : -1;
      place++;
    }
    return -1;
  }
}

/** Counts of successors of each segment, shared over consumers, most frequent first. */
export class MarkovBaseline implements NextBaseline {
  readonly name = 'first-order Markov';
  readonly #rows = new Map<number, TopCounts>();

  placeOf(previous: number, segment: number): number {
    return this.#rows.get(previous)?.placeOf(previous, segment) ?? -1;
  }

  learn(previous: number, segment: number): void {
    let row = this.#rows.get(previous);
    if (row === undefined) {
      row = new TopCounts();
      this.#rows.set(previous, row);
    }
    row.count(segment);
  }
}

/** Counts of all segments that consumers went on to. */
export class FrequencyBaseline implements NextBaseline {
  readonly name = 'most frequent';
  readonly #counts = new TopCounts();

  placeOf(previous: number, segment: number): number {
    return this.#counts.placeOf(previous, segment);
  }

  learn(_previous: number, segment: number): void {
    this.#counts.count(segment);
  }
}
