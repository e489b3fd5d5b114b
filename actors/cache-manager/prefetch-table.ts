/** What a site knows of each segment's current prefetch, as parallel columns indexed by segment. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

/** Where a segment's prefetch is. */
export const Stage = { none: 0, staged: 1, inFlight: 2, queued: 3 } as const;

/** Columns, public for the sake of the loop that reads them: 34 bytes a segment. The caller grows it before it writes. */
export class PrefetchTable {
  /** A `Stage` code. */
  stage: Uint8Array;
  expert: Uint8Array;
  /** As stated with the proposal; NaN = it was not. */
  probability: Float64Array;
  /** Log position at which it was sent. */
  issuedAt: Float64Array;
  /** Model time at which the latest fetch of the segment lands, demand or prefetch. */
  landsAt: Float64Array;
  /** Bytes that the latest prefetch of the segment was sent for. */
  bytes: Float64Array;

  constructor(segmentCountHint: number) {
    this.stage = new Uint8Array(segmentCountHint);
    this.expert = new Uint8Array(segmentCountHint);
    this.probability = new Float64Array(segmentCountHint);
    this.issuedAt = new Float64Array(segmentCountHint);
    this.landsAt = new Float64Array(segmentCountHint);
    this.bytes = new Float64Array(segmentCountHint);
  }

  get length(): number {
    return this.stage.length;
  }

  stageOf(segment: number): number {
    return segment < this.stage.length ? this.stage[segment]! : Stage.none;
  }

  /** Makes room for `segment`. */
  grow(segment: number): void {
    this.stage = grownTable(this.stage, segment);
    this.expert = grownTable(this.expert, segment);
    this.probability = grownTable(this.probability, segment);
    this.issuedAt = grownTable(this.issuedAt, segment);
    this.landsAt = grownTable(this.landsAt, segment);
    this.bytes = grownTable(this.bytes, segment);
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.stage = fields.array(this.stage);
    this.expert = fields.array(this.expert);
    this.probability = fields.array(this.probability);
    this.issuedAt = fields.array(this.issuedAt);
    this.landsAt = fields.array(this.landsAt);
    this.bytes = fields.array(this.bytes);
  }
}
