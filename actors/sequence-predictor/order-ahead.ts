/** Learning order ahead of the site, in whatever thread. */

import type { Snapshot } from '../near-loop/snapshot.ts';

/** Epochs of `ROWS_AHEAD` rows that whoever learns may be ahead: it must know the lead by which to learn so long before. */
export const EPOCHS_AHEAD = 8;

/** Order as it is learned elsewhere, from the same rows. */
export interface OrderAhead {
  /**
   * Puts the records of the next rows, at most `ROWS_AHEAD`, into `said`, see `order-record.ts`; gives how many there are. Fewer where the log ends, or where the next row was learned and order can go on
   * no further: then it is to be taken back. `leadAccesses`: by which to learn `EPOCHS_AHEAD` epochs later.
   */
  next(leadAccesses: number, said: Int32Array): number;
  /** What order has become, after the row behind the last record. */
  takeBack(): Snapshot;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/** Whoever would learn order elsewhere. */
export interface OrderTaker {
  /** Whether it can begin at once. */
  readonly isReady: boolean;
  /** Goes on with this order from the row at log position `position` on; `leads`: by which to learn the first epochs, one each. */
  begin(order: Snapshot, position: number, leads: readonly number[]): OrderAhead;
}
