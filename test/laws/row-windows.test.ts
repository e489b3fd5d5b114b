/** Windows over batches cut anyhow. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowWindows } from '../../sim/replay/row-windows.ts';

test('windows have every row once, in order, and look some rows into the next', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 90 }), { maxLength: 12 }), fc.integer({ min: 16, max: 70 }), (cuts, size) => {
      let next = 0;
      const batches = cuts.map((rows) => {
        const segment = Uint32Array.from({ length: rows }, () => 3 * next++);
        return { segment, consumer: Int32Array.from(segment, (id) => id + 1), length: rows };
      });
      let seen = 0;
      for (const { segment, consumer, count } of new RowWindows(size).of(batches)) {
        expect(count).toBe(Math.min(size, next - seen));
        const known = Math.min(next - seen, size + 16);
        expect([...segment.subarray(0, known)]).toEqual(Array.from({ length: known }, (_, i) => 3 * (seen + i)));
        expect([...consumer.subarray(0, known)]).toEqual(Array.from({ length: known }, (_, i) => 3 * (seen + i) + 1));
        seen += count;
      }
      expect(seen).toBe(next);
    }),
  );
});
