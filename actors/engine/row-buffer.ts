/** Rows put together into one batch, for those who are better told of many at once. */

import { AccessBatch } from '../../streams/access-batch.ts';

/** Columns of fixed length that are copied when taken, because whoever gets a batch may keep it. O(1) a row. */
export class RowBuffer {
  readonly rowsMax: number;
  readonly #timeMs: Float64Array;
  readonly #segment: Uint32Array;
  readonly #consumer: Int32Array;
  readonly #site: Int32Array;
  readonly #op: Uint8Array;
  readonly #size: Float64Array;
  readonly #weight: Float64Array;
  #position = 0;
  #length = 0;

  constructor(rowsMax: number) {
    this.rowsMax = rowsMax;
    this.#timeMs = new Float64Array(rowsMax);
    this.#segment = new Uint32Array(rowsMax);
    this.#consumer = new Int32Array(rowsMax);
    this.#site = new Int32Array(rowsMax);
    this.#op = new Uint8Array(rowsMax);
    this.#size = new Float64Array(rowsMax);
    this.#weight = new Float64Array(rowsMax);
  }

  get length(): number {
    return this.#length;
  }

  /** Whether a batch of `rows` fits beside what is here. */
  fits(rows: number): boolean {
    return this.#length + rows <= this.rowsMax;
  }

  /** Adds rows that follow those here; the caller guarantees that they fit. */
  add(batch: AccessBatch): void {
    const at = this.#length;
    if (at === 0) this.#position = batch.position;
    this.#timeMs.set(batch.timeMs, at);
    this.#segment.set(batch.segment, at);
    this.#consumer.set(batch.consumer, at);
    this.#site.set(batch.site, at);
    this.#op.set(batch.op, at);
    this.#size.set(batch.size, at);
    this.#weight.set(batch.weight, at);
    this.#length = at + batch.length;
  }

  /** All rows as a batch; none are left. */
  take(): AccessBatch {
    const length = this.#length;
    this.#length = 0;
    return new AccessBatch(this.#position, {
      timeMs: this.#timeMs.slice(0, length),
      segment: this.#segment.slice(0, length),
      consumer: this.#consumer.slice(0, length),
      site: this.#site.slice(0, length),
      op: this.#op.slice(0, length),
      size: this.#size.slice(0, length),
      weight: this.#weight.slice(0, length),
    });
  }
}
