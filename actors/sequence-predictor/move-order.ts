/** Moves what the wide tables of order know into the compact one, once, when bytes run out. */

import { COMPACT_ONE, type CompactOrder, pairKey, successorKey } from './compact-order.ts';
import { COMPACT_DEGREE } from './compact-record.ts';
import type { ContextTable } from './context-table.ts';
import { ageOfSlot, type SuccessorTable, WEIGHT_ONE, weightOfSlot } from './successor-table.ts';

/** The heaviest successors of each segment, with visits, weights and ages as far as the bits go. O(segments). */
export function moveSuccessors(from: SuccessorTable, to: CompactOrder, kind: number): void {
  for (const segment of from.segments()) {
    const visits = from.visitsOf(segment);
    const record = to.adopt(successorKey(segment, kind), visits);
    if (record < 0) continue;
    // Visits beyond what the record can count shrink, and the weights with them, so that shares stay.
    const scale = (COMPACT_ONE / WEIGHT_ONE) * (to.visitsAt(record) / visits);
    const row = from.rowOf(segment);
    const tick = from.tickOf(segment) + 1;
    for (let place = 0; place < Math.min(COMPACT_DEGREE, from.degree); place++) {
      const packed = from.words[row + 2 * place + 1]!;
      const weight = Math.round(weightOfSlot(packed) * scale);
      if (weight === 0) break;
      to.adoptSuccessor(record, place, from.words[row + 2 * place]! - 1, weight, ageOfSlot(packed, tick));
    }
  }
}

/** Pairs with their counts. O(pairs). */
export function movePairs(from: ContextTable, to: CompactOrder): void {
  from.forEach((previous, current, entry) => {
    const key = pairKey(previous, current);
    if (to.findPair(key) >= 0) return;
    to.adoptPair(
      key,
      from.successorAt(entry, 0),
      from.successorAt(entry, 1),
      from.confirmedAt(entry, 0),
      from.confirmedAt(entry, 1),
      from.seenAt(entry),
    );
  });
}
