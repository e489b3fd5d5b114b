/** Prefetches that have not ended, as a site lists them for people. */

import type { FlightTable } from './flight-table.ts';
import type { PrefetchQueue } from './prefetch-queue.ts';
import { type PrefetchTable, ROW_SHIFT, Row } from './prefetch-table.ts';
import type { SegmentFifo } from './segment-fifo.ts';
import type { SegmentSizes } from './segment-sizes.ts';

/** A prefetch that has not ended: where it stands, who asked for it and how sure it was. */
export interface Prospect {
  readonly segment: number;
  readonly stage: 'queued' | 'inFlight' | 'staged';
  /** As the ledger numbers experts. */
  readonly expert: number;
  /** As stated with the proposal; NaN = it was not. */
  readonly probability: number;
  readonly sizeBytes: number;
  /** Log position at which it was sent; -1 = it was not. */
  readonly issuedAt: number;
}

/** See `Site.prospects`. */
export function prospectsOf(
  table: PrefetchTable,
  sizes: SegmentSizes,
  queue: PrefetchQueue,
  flights: FlightTable,
  staged: SegmentFifo,
  limit: number,
): readonly Prospect[] {
  const of =
    (stage: Prospect['stage']) =>
    (segment: number): Prospect => ({
      segment,
      stage,
      expert: table.expert[segment]!,
      probability: table.rows[(segment << ROW_SHIFT) | Row.probability]!,
      sizeBytes: sizes.of(segment),
      issuedAt: stage === 'queued' ? -1 : table.rows[(segment << ROW_SHIFT) | Row.issuedAt]!,
    });
  return [
    ...queue.list(limit).map(of('queued')),
    ...flights.list(limit).map(of('inFlight')),
    ...staged.latest(limit).map(of('staged')),
  ];
}
