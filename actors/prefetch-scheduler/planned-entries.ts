/** Planned prefetches whose end is not known yet, by id and by segment. */

import type { StateFields } from '../../engine/state-fields.ts';

/** One of them. */
export interface PlannedEntry {
  readonly id: number;
  readonly segment: number;
  readonly sizeBytes: number;
  readonly expiresAt: number;
  readonly startBy: number;
  readonly probability: number;
  /** As the forecaster numbers experts. */
  readonly expert: number;
  /** In the currency of the prices. */
  readonly netBenefit: number;
}

/** At most one entry a segment. Iterates in order of ids. */
export class PlannedEntries {
  readonly #byId = new Map<number, PlannedEntry>();
  readonly #idOf = new Map<number, number>();
  #bytes = 0;

  get count(): number {
    return this.#byId.size;
  }

  /** Bytes of all. */
  get bytes(): number {
    return this.#bytes;
  }

  has(segment: number): boolean {
    return this.#idOf.has(segment);
  }

  add(entry: PlannedEntry): void {
    this.#byId.set(entry.id, entry);
    this.#idOf.set(entry.segment, entry.id);
    this.#bytes += entry.sizeBytes;
  }

  /** Forgets an entry; an unknown id is ignored. */
  remove(id: number): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#idOf.delete(entry.segment);
    this.#bytes -= entry.sizeBytes;
  }

  /** A copy, so that entries may be removed while it is walked. */
  all(): readonly PlannedEntry[] {
    return [...this.#byId.values()];
  }

  /** Everything but what the settings give: #idOf. */
  persist(fields: StateFields): void {
    const entries = fields.plain([...this.#byId.values()]);
    if (fields.isRestoring) {
      this.#byId.clear();
      this.#idOf.clear();
      for (const entry of entries) this.add(entry);
    }
    this.#bytes = fields.number(this.#bytes);
  }
}
