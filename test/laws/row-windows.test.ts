/** Windows over batches cut anyhow. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RowWindow, RowWindows } from '../../sim/replay/row-windows.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

test('windows have every row once, in order, and look some rows into the next', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 90 }), { maxLength: 12 }),
      fc.integer({ min: 16, max: 70 }),
      async (cuts, size) => {
        let next = 0;
        const batches = cuts.map((rows) => {
          const segment = Uint32Array.from({ length: rows }, () => 3 * next++);
          return new AccessBatch(next - rows, {
            timeMs: new Float64Array(rows),
            segment,
            consumer: Int32Array.from(segment, (id) => id + 1),
            site: new Int32Array(rows),
            op: new Uint8Array(rows),
            size: new Float64Array(rows),
            weight: new Float64Array(rows),
          });
        });
        async function* all(): AsyncGenerator<AccessBatch> {
          yield* batches;
        }
        let seen = 0;
        for await (const { segment, consumer, count } of new RowWindows(size).of(all()) as AsyncGenerator<RowWindow>) {
          expect(count).toBe(Math.min(size, next - seen));
          const known = Math.min(next - seen, size + 16);
          expect([...segment.subarray(0, known)]).toEqual(Array.from({ length: known }, (_, i) => 3 * (seen + i)));
          expect([...consumer.subarray(0, known)]).toEqual(Array.from({ length: known }, (_, i) => 3 * (seen + i) + 1));
          seen += count;
        }
        expect(seen).toBe(next);
      },
    ),
  );
});
