/** What went into a step, what came out and what was dropped, in rows: the books that every operator keeps. */

/** Counts of one step. For every step at rest, `inCount = outCount + droppedCount + heldCount`. */
export class FlowCounts {
  /** Rows taken in. */
  inCount = 0;
  /** Rows handed on. */
  outCount = 0;
  readonly #dropped = new Map<string, number>();

  /** Counts `rows` as dropped under a named reason. */
  drop(reason: string, rows: number): void {
    if (rows > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + rows);
  }

  /** Rows dropped by reason, in order of first appearance. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped;
  }

  /** Rows dropped for any reason. */
  get droppedCount(): number {
    let rows = 0;
    for (const count of this.#dropped.values()) rows += count;
    return rows;
  }

  /** Rows taken in and neither handed on nor dropped yet. */
  get heldCount(): number {
    return this.inCount - this.outCount - this.droppedCount;
  }
}
