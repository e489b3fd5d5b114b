import { describe, expect, test } from 'vitest';
import { opinionNames } from '../../../actors/near-loop/opinion-bins.ts';
import {
  COMPACT_BYTES_MIN,
  COMPACT_ONE,
  CompactOrder,
  OrderKind,
  pairKey,
  successorKey,
} from '../../../actors/sequence-predictor/compact-order.ts';
import { COMPACT_DEGREE } from '../../../actors/sequence-predictor/compact-record.ts';
import { ContextTable } from '../../../actors/sequence-predictor/context-table.ts';
import { movePairs, moveSuccessors } from '../../../actors/sequence-predictor/move-order.ts';
import { SequencePredictor } from '../../../actors/sequence-predictor/sequence-predictor.ts';
import { SuccessorTable } from '../../../actors/sequence-predictor/successor-table.ts';

const key = (segment: number) => successorKey(segment, OrderKind.successor);
const roomy = (visitsMax = 31) => new CompactOrder({ bytesMax: 2 ** 20, visitsMax });

/** [successor, weight, age] of each place that is taken. */
function successorsOf(table: CompactOrder, segment: number): readonly (readonly number[])[] {
  const record = table.find(key(segment));
  const places = Array.from({ length: COMPACT_DEGREE }, (_, place) => place);
  return places
    .filter((place) => record >= 0 && table.successorAt(record, place) >= 0)
    .map((place) => [table.successorAt(record, place), table.weightAt(record, place), table.ageAt(record, place)]);
}

describe('compact order', () => {
  test('counts a successor once in a visit, and keeps the strongest first', () => {
    const table = roomy();
    for (const targets of [[5, 5], [6], [6, 5], [6]]) {
      table.visit(key(1));
      for (const target of targets) table.observe(key(1), target, COMPACT_ONE);
    }
    expect(successorsOf(table, 1)).toEqual([
      [6, 3 * COMPACT_ONE, 1],
      [5, 2 * COMPACT_ONE, 2],
    ]);
    expect(table.visitsAt(table.find(key(1)))).toBe(4);
  });

  test('tells how many visits ago a successor came, exactly up to four and by the right order of magnitude beyond', () => {
    const table = roomy();
    table.visit(key(1));
    table.observe(key(1), 9, COMPACT_ONE);
    for (let ago = 1; ago <= 12; ago++) {
      const [[, , age] = []] = successorsOf(table, 1);
      if (ago <= 4) expect(age).toBe(ago);
      else expect(Math.abs(age! - ago)).toBeLessThanOrEqual(2);
      table.visit(key(1));
    }
  });

  test('halves a record when its visits reach the limit', () => {
    const table = roomy(4);
    for (let visit = 0; visit < 4; visit++) {
      table.visit(key(0));
      table.observe(key(0), 1, COMPACT_ONE);
    }
    table.visit(key(0));
    expect(table.visitsAt(table.find(key(0)))).toBe(3);
    expect(successorsOf(table, 0)).toEqual([[1, 2 * COMPACT_ONE, 2]]);
  });

  test('what came later in the same visit pushes nothing of it out; what an earlier visit left is worn down first', () => {
    const table = roomy();
    table.visit(key(1));
    for (const target of [10, 11, 12, 13, 14]) table.observe(key(1), target, COMPACT_ONE);
    expect(successorsOf(table, 1).map(([target]) => target)).toEqual([10, 11, 12, 13]);
    table.visit(key(1));
    table.observe(key(1), 12, COMPACT_ONE);
    table.visit(key(1));
    table.observe(key(1), 14, 1);
    // Refused at the first visit, 14 stood among the further ones with the weight of that; now it is heavier than 13.
    expect(successorsOf(table, 1).map(([target, weight]) => [target, weight])).toEqual([
      [12, 4],
      [14, 3],
      [10, 2],
      [11, 2],
    ]);
    const record = table.find(key(1));
    const further = table.furtherOf(key(1), record);
    expect([table.successorAt(further, 0), table.weightAt(further, 0)]).toEqual([13, 2]);
  });

  test('with room, eight successors are kept as a naive recount has them, the strongest four first', () => {
    const table = roomy(31);
    const counts = new Map<number, number>();
    for (let visit = 1; visit <= 30; visit++) {
      table.visit(key(1));
      for (let target = 1; target <= 8; target++) {
        if (visit % target !== 0) continue;
        table.observe(key(1), target, COMPACT_ONE);
        counts.set(target, (counts.get(target) ?? 0) + COMPACT_ONE);
      }
    }
    const record = table.find(key(1));
    const further = table.furtherOf(key(1), record);
    const places = Array.from({ length: COMPACT_DEGREE }, (_, place) => place);
    const held = [record, further].flatMap((at) =>
      places.map((place) => [table.successorAt(at, place), table.weightAt(at, place)] as const),
    );
    expect(new Map(held)).toEqual(counts);
    const weights = held.map(([, weight]) => weight);
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
  });

  test('a fourth and fifth successor that come in turn do not wear each other away', () => {
    const table = roomy(31);
    for (let visit = 0; visit < 30; visit++) {
      table.visit(key(1));
      for (const target of [10, 11, 12]) table.observe(key(1), target, COMPACT_ONE);
      table.observe(key(1), 20 + (visit & 1), COMPACT_ONE);
    }
    const record = table.find(key(1));
    const further = table.furtherOf(key(1), record);
    expect(table.weightAt(record, 3)).toBe(15 * COMPACT_ONE);
    expect(table.weightAt(further, 0)).toBe(15 * COMPACT_ONE);
  });

  test('a pair counts as a context of the wide table does', () => {
    const compact = roomy();
    const wide = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    const keyOfPair = pairKey(1, 2);
    for (let i = 0; i < 400; i++) {
      const next = [10, 10, 11, 12, 11, 10, 13][(i * i + (i >> 3)) % 7]!;
      wide.observe(1, 2, next);
      compact.observePair(keyOfPair, next);
      const entry = wide.find(1, 2);
      const record = compact.findPair(keyOfPair);
      for (const place of [0, 1]) {
        expect(compact.pairedAt(record, place)).toBe(wide.successorAt(entry, place));
        expect(compact.confirmedAt(record, place)).toBe(wide.confirmedAt(entry, place));
      }
      expect(compact.seenAt(record)).toBe(wide.seenAt(entry));
    }
  });

  test('a hint at a record that has another owner by now is not believed', () => {
    const table = roomy();
    table.observePair(pairKey(1, 2), 10);
    const hint = table.findPair(pairKey(1, 2));
    table.observePair(pairKey(3, 4), 20, hint);
    expect(table.seenAt(hint)).toBe(1);
    expect(table.pairedAt(table.findPair(pairKey(3, 4)), 0)).toBe(20);
  });

  test('never takes more bytes than it was given, and uses all but one bucket of them', () => {
    for (const bytesMax of [COMPACT_BYTES_MIN, 1000, 65_536]) {
      const table = new CompactOrder({ bytesMax, visitsMax: 31 });
      for (let i = 0; i < 20_000; i++) table.visit(key(i));
      expect(table.bytes).toBeLessThanOrEqual(bytesMax);
      expect(table.bytes).toBeGreaterThan(bytesMax - COMPACT_BYTES_MIN);
    }
  });

  test('a flood of segments that come once takes few records from those that named what was needed', () => {
    const table = new CompactOrder({ bytesMax: 100 * COMPACT_BYTES_MIN, visitsMax: 31 });
    let known = 0;
    let asked = 0;
    for (let i = 0; i < 60_000; i++) {
      const recurring = i % 200;
      const record = table.find(key(recurring));
      if (i >= 1000) {
        asked++;
        if (record >= 0) known++;
      }
      table.visit(key(recurring));
      table.observe(key(recurring), 7, COMPACT_ONE, true);
      table.visit(key(1000 + i));
    }
    expect(known / asked).toBeGreaterThan(0.95);
    expect(table.replacedCount).toBeGreaterThan(10_000);
  });

  test('of a loop four times as long as the table a fair part is still known when it comes round', () => {
    const recordCount = 600;
    const table = new CompactOrder({ bytesMax: (recordCount / 6) * COMPACT_BYTES_MIN, visitsMax: 31 });
    const loop = 4 * recordCount;
    let known = 0;
    for (let i = 0; i < 20 * loop; i++) {
      const record = table.find(key(i % loop));
      if (record >= 0 && i >= 10 * loop) known++;
      table.visit(key(i % loop));
      table.observe(key(i % loop), (i + 1) % loop, COMPACT_ONE, true);
    }
    // A quarter is the most that fits; the least recently used of such a loop would all be gone.
    expect(known / (10 * loop)).toBeGreaterThan(0.15);
  });

  test('pairs that were never seen are found as seldom as a hash of 30 bits says', () => {
    const table = new CompactOrder({ bytesMax: 2 ** 21, visitsMax: 31 });
    for (let i = 0; i < 50_000; i++) table.observePair(pairKey(i % 1009, i % 997), i);
    let met = 0;
    for (let i = 0; i < 1_000_000; i++) if (table.findPair(pairKey(5000 + (i >> 10), i & 1023)) >= 0) met++;
    // 50,000 of 2^30: about 47 of a million.
    expect(met).toBeLessThan(150);
  });

  test('takes over from wide tables the heaviest successors, their shares and ages, and every pair', () => {
    const wide = new SuccessorTable({ degreeMax: 8, visitsMax: 64, mayGrow: () => true });
    const contexts = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    for (let visit = 0; visit < 50; visit++) {
      wide.visit(4);
      wide.observe(4, 1, 16);
      if (visit % 2 === 0) wide.observe(4, 2, 16);
      if (visit < 20) wide.observe(4, 3, 16);
      if (visit === 7) wide.observe(4, 5, 16);
      contexts.observe(1, visit % 5, 7);
    }
    const table = roomy();
    moveSuccessors(wide, table, OrderKind.successor);
    movePairs(contexts, table);
    const record = table.find(key(4));
    const visits = table.visitsAt(record) * COMPACT_ONE;
    const [first, second, third] = successorsOf(table, 4);
    expect([first![0], second![0], third![0]]).toEqual([1, 2, 3]);
    expect(first![1]! / visits).toBeCloseTo(1, 1);
    expect(second![1]! / visits).toBeCloseTo(0.5, 1);
    expect(third![1]! / visits).toBeCloseTo(0.4, 1);
    expect([first![2], second![2]]).toEqual([1, 2]);
    for (let i = 0; i < 5; i++) {
      const at = table.findPair(pairKey(1, i));
      expect([table.pairedAt(at, 0), table.confirmedAt(at, 0), table.seenAt(at)]).toEqual([7, 10, 10]);
    }
  });

  test('a pair that says what its segment says begins no record, and goes on if it has one', () => {
    const table = roomy();
    table.visit(key(2));
    table.observe(key(2), 3, COMPACT_ONE);
    expect([table.isExpected(2, 3), table.isExpected(2, 4), table.isExpected(9, 3)]).toEqual([true, false, false]);
    table.observePair(pairKey(1, 2), 3, -1, true);
    expect(table.findPair(pairKey(1, 2))).toBe(-1);
    for (const isExpected of [false, true]) table.observePair(pairKey(1, 2), 3, -1, isExpected);
    expect(table.seenAt(table.findPair(pairKey(1, 2)))).toBe(2);
  });

  test('what was needed when it came is kept, what came while it was at hand is not', () => {
    for (const isWanted of [true, false]) {
      const table = new CompactOrder({ bytesMax: COMPACT_BYTES_MIN, visitsMax: 31 });
      table.visit(key(1));
      for (let visit = 0; visit < 2; visit++) {
        table.visit(key(1));
        table.observe(key(1), 2, COMPACT_ONE, isWanted);
      }
      // Three rounds that wear: what has no credit but its claim is gone before.
      for (let i = 0; i < 80; i++) table.visit(key(100 + i));
      expect(table.find(key(1)) >= 0).toBe(isWanted);
    }
  });

  test('a segment and twelve pairs in one bucket are each found as what they are', () => {
    const table = new CompactOrder({ bytesMax: COMPACT_BYTES_MIN, visitsMax: 31 });
    for (let i = 0; i < 2000; i++) {
      const segment = (i * 7) % 23;
      const known = table.find(key(segment));
      if (known >= 0)
        for (let place = 0; place < COMPACT_DEGREE; place++) expect(table.successorAt(known, place)).toBeLessThan(1000);
      table.visit(key(segment));
      table.observe(key(segment), 900 + segment, COMPACT_ONE, i % 3 === 0);
      table.observePair(pairKey(i % 19, i % 5), 1000 + (i % 19), -1, false, i % 4 === 0);
      const pair = table.findPair(pairKey(i % 19, i % 5));
      if (pair >= 0) expect(table.pairedAt(pair, 0)).toBe(1000 + (i % 19));
    }
    expect(table.replacedCount).toBeGreaterThan(100);
  });
});

describe('memories of order where bytes run out', () => {
  /** Bytes taken in the end, with so many consumers each over segments of its own. */
  function bytesWith(consumerCount: number): number {
    const options = {
      degreeMax: 8,
      visitsMax: 64,
      lookahead: 3,
      missLookahead: 5,
      scoreMin: 0.1,
      contextCountMax: 4096,
    };
    const isOn = opinionNames.map((name) => name === 'consumer-successor' || name === 'context');
    const order = new SequencePredictor({ ...options, isOn, bytesMax: 400_000, consumerCountMax: 65_536 });
    for (let i = 0; i < 40_000; i++) order.observe(i % consumerCount, (i * 7) % 9973, i, 0, true);
    expect(order.isCompact).toBe(true);
    return order.bytes;
  }

  test('one consumer leaves the order what many would have taken, and none takes more than it may', () => {
    const [one, many] = [bytesWith(1), bytesWith(500)];
    for (const bytes of [one, many]) expect(bytes).toBeLessThanOrEqual(400_000);
    expect(one).toBeGreaterThan(0.97 * 400_000);
  });
});
