/** What order knows about whom it would name after one access, set down as that access was learned, so that who learns may be ahead of who names. */

/** Rows that are learned at once at most. */
export const ROWS_AHEAD = 512;

/** Bytes of a record, and in it: tick and visits of the segment's row; both successors of its pair and what is known of these, as in `ContextTable`; the row's slots. */
export const RECORD_BYTES = 80;
export const RecordField = { own: 0, next: 4, other: 8, counts: 12, row: 16 } as const;
/** In `counts`: the consumer asked for the segment before, too. */
export const RECORD_REPEATED = -(2 ** 31);
/** Words of a record. */
export const RECORD_WORDS = RECORD_BYTES / 4;
