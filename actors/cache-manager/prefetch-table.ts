/** What a site knows of each segment's current prefetch, as parallel columns indexed by segment. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import type { SiteAddresses } from './site-layout.ts';

/** Where a segment's prefetch is. */
export const Stage = { none: 0, staged: 1, inFlight: 2, queued: 3 } as const;

/** What a row holds, one number after the other. */
export const Row = {
  /** As stated with the proposal; NaN = it was not. Written where the segment has no prefetch, whatever becomes of the proposal. */
  probability: 0,
  /** Log position at which it was sent. */
  issuedAt: 1,
  /** Model time at which the latest fetch of the segment lands, demand or prefetch. */
  landsAt: 2,
  /** Bytes that the latest prefetch of the segment was sent for. */
  bytes: 3,
} as const;
/** A row begins at its segment shifted by so many bits, and has as many numbers: a product would be checked for overflow. */
export const ROW_SHIFT = 2;

/**
 * Public for the sake of the loop that reads it: 34 bytes a segment. What is written and read together is in one row, so in one cache line. The
 * caller grows it before it writes.
 */
export class PrefetchTable {
  /** A `Stage` code by segment. */
  stage: Uint8Array;
  expert: Uint8Array;
  /** By segment shifted by `ROW_SHIFT`, and a `Row` in the bits below. */
  rows: Float64Array;

  /** Segments below it have a row. */
  limit: number;

  constructor(segmentCountHint: number) {
    this.limit = segmentCountHint;
    this.stage = new Uint8Array(segmentCountHint);
    this.expert = new Uint8Array(segmentCountHint);
    this.rows = new Float64Array(segmentCountHint << ROW_SHIFT);
  }

  stageOf(segment: number): number {
    return segment < this.stage.length ? this.stage[segment]! : Stage.none;
  }

  /** Makes room for `segment`. */
  grow(segment: number): void {
    this.stage = grownTable(this.stage, segment);
    this.expert = grownTable(this.expert, segment);
    this.rows = grownTable(this.rows, (this.stage.length << ROW_SHIFT) - 1);
    this.limit = this.stage.length;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.stage = place(this.stage, at.stage);
    this.expert = place(this.expert, at.expert);
    this.rows = place(this.rows, at.rows);
  }

  /** The state, to save or restore it; limit is the length of its columns. */
  persist(fields: StateFields): void {
    this.stage = fields.array(this.stage);
    this.expert = fields.array(this.expert);
    this.rows = fields.array(this.rows);
    this.limit = this.stage.length;
  }
}
