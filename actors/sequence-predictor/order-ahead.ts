/** Learning order ahead of the site, in whatever thread. */

import type { Snapshot } from '../near-loop/snapshot.ts';

/** Epochs of `ROWS_AHEAD` rows that whoever learns may be ahead at first, and in the long run: it must know the lead by which to learn so long before. */
export const EPOCHS_AHEAD = 8;
export const EPOCHS_AHEAD_MAX = 128;
/** Epochs that must have begun for each one ahead: what is learned by a lead of a while ago is a small part of what was seen since. */
const BEGUN_FOR_EACH = 32;

/** How many epochs ahead the lead is known when epoch number `epoch`, from 0, begins. Never falls, and rises by one at most from epoch to epoch. */
export function epochsAhead(epoch: number): number {
  return Math.min(EPOCHS_AHEAD_MAX, Math.max(EPOCHS_AHEAD, Math.floor(epoch / BEGUN_FOR_EACH)));
}

/** Order as it is learned elsewhere, from the same rows. */
export interface OrderAhead {
  /**
   * Puts the records of the next rows, at most `ROWS_AHEAD`, into `said`, see `order-record.ts`; gives how many there are. Fewer where the log ends, or where the next row was learned and order can go on
   * no further: then it is to be taken back. `leadAccesses`: by which to learn the next `epochCount` epochs for which none was told. `isHere`: these rows can be learned here too, since all before them were; then it gives -1
   * where it is not well ahead of them yet.
   */
  next(leadAccesses: number, epochCount: number, said: Int32Array, isHere: boolean): number;
  /** What order has become, after the row behind the last record. */
  takeBack(): Snapshot;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/** Whoever would learn order elsewhere. */
export interface OrderTaker {
  /** Whether it can begin at once. */
  readonly isReady: boolean;
  /** Goes on with this order, a copy of what is here, from the row at log position `position` on; `leads`: by which to learn the first epochs, one each, at most `EPOCHS_AHEAD_MAX`. */
  begin(order: Snapshot, position: number, leads: readonly number[]): OrderAhead;
}
