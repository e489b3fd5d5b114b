import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openScratchFile } from '../../engine/host/scratch-file.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { BatchSpool } from '../../streams/spool.ts';
import { arbitraryCuts, arbitraryLog, cut, rowsOf } from './streams-batches.ts';

async function all(batches: AsyncIterable<AccessBatch>): Promise<AccessBatch[]> {
  const list: AccessBatch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

describe('spool', () => {
  test('gives back what was put in, forwards and backwards, as often as asked', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, arbitraryCuts, fc.boolean(), async (log, cuts, isBare) => {
        const rows = isBare
          ? log.map((row) => ({ ...row, timeMs: Number.NaN, consumer: -1, site: -1, size: -0 }))
          : log;
        const batches = cut(rows, cuts, 11);
        const spool = new BatchSpool(await openScratchFile());
        for (const batch of batches) await spool.append(batch);
        expect([spool.batchCount, spool.rowCount]).toEqual([batches.length, rows.length]);
        for (let pass = 0; pass < 2; pass++) {
          const back = await all(spool.forward());
          expect(rowsOf(back)).toEqual(rows);
          expect(back.map((batch) => batch.position)).toEqual(batches.map((batch) => batch.position));
          const reversed = await all(spool.backward());
          expect(rowsOf(reversed.reverse())).toEqual(rows);
        }
        await spool.close();
        await spool.close();
      }),
      { numRuns: 60 },
    );
  });
});
