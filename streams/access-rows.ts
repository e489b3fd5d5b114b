/** Rows on their way from a reader to its sink, as columns that are filled again and again. */

import { ABSENT } from './access-batch.ts';
import { Operation } from './operation.ts';

/** Columns of one length, filled with what an access has where its source is silent: what a reader never writes stays so. */
export class AccessRows {
  readonly timeMs: Float64Array;
  /** Read as unsigned by who takes the rows. */
  readonly segment: Int32Array;
  readonly consumer: Int32Array;
  readonly site: Int32Array;
  readonly op: Uint8Array;
  readonly size: Float64Array;
  readonly weight: Float64Array;

  constructor(rowsMax: number) {
    this.timeMs = new Float64Array(rowsMax).fill(Number.NaN);
    this.segment = new Int32Array(rowsMax);
    this.consumer = new Int32Array(rowsMax).fill(ABSENT);
    this.site = new Int32Array(rowsMax).fill(ABSENT);
    this.op = new Uint8Array(rowsMax).fill(Operation.read);
    this.size = new Float64Array(rowsMax).fill(-1);
    this.weight = new Float64Array(rowsMax).fill(1);
  }
}
