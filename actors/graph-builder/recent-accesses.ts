/** The latest accesses, whatever was sampled. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { TimeAxis } from '../time-axis.ts';

/** One of them. */
export interface RecentAccess {
  readonly segment: number;
  readonly instant: number;
}

/** A ring of the last `length` accesses. O(min(batch, length)) a batch, so next to nothing an access. */
export class RecentAccesses {
  readonly length: number;
  readonly #segment: Uint32Array;
  readonly #consumer: Int32Array;
  readonly #timeMs: Float64Array;
  /** Log position after the last access. */
  #end = 0;
  #count = 0;
  #usesTime = false;

  constructor(length: number) {
    this.length = length;
    this.#segment = new Uint32Array(length);
    this.#consumer = new Int32Array(length);
    this.#timeMs = new Float64Array(length);
  }

  /** Call after `axis` has seen the batch. */
  observe(batch: AccessBatch, axis: TimeAxis): void {
    if (batch.length === 0) return;
    this.#usesTime = axis.usesTime === true;
    for (let i = Math.max(0, batch.length - this.length); i < batch.length; i++) {
      const at = (batch.position + i) % this.length;
      this.#segment[at] = batch.segment[i]!;
      this.#consumer[at] = batch.consumer[i]!;
      this.#timeMs[at] = batch.timeMs[i]!;
    }
    this.#end = batch.position + batch.length;
    this.#count = Math.min(this.length, this.#count + batch.length);
  }

  /** The last access of each consumer among those at or after `position`, newest first; one without a time counts as the newest. */
  since(position: number): readonly RecentAccess[] {
    const seen = new Set<number>();
    const found: RecentAccess[] = [];
    let latest = Infinity;
    for (let p = this.#end - 1; p >= Math.max(position, this.#end - this.#count); p--) {
      const at = p % this.length;
      const time = this.#usesTime ? this.#timeMs[at]! : p;
      if (!Number.isNaN(time)) latest = time;
      const consumer = this.#consumer[at]!;
      if (seen.has(consumer)) continue;
      seen.add(consumer);
      found.push({ segment: this.#segment[at]!, instant: latest });
    }
    return found;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.#segment);
    fields.into(this.#consumer);
    fields.into(this.#timeMs);
    this.#end = fields.number(this.#end);
    this.#count = fields.number(this.#count);
    this.#usesTime = fields.flag(this.#usesTime);
  }
}
