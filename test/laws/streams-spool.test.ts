import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openScratchFile } from '../../engine/host/scratch-file.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { BatchSpool } from '../../streams/spool.ts';
import { orderColumns } from '../../streams/spool-rows.ts';
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

  test('segments and consumers read elsewhere from some row on are those that were put in', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, arbitraryCuts, fc.boolean(), fc.nat(), async (log, cuts, isBare, from) => {
        const rows = isBare ? log.map((row) => ({ ...row, consumer: -1 })) : log;
        const batches = cut(rows, cuts, 11);
        const spool = new BatchSpool(await openScratchFile());
        for (const batch of batches) await spool.append(batch);
        const first = rows.length === 0 ? 0 : from % rows.length;
        const [segment, consumer]: [number[], number[]] = [[], []];
        for (const columns of orderColumns(spool.share(), 11 + first)) {
          segment.push(...columns.segment);
          consumer.push(...columns.consumer);
          expect(columns.length).toBe(columns.segment.length);
        }
        const whole = await all(spool.forward());
        expect(segment).toEqual(whole.flatMap((batch) => [...batch.segment]).slice(first));
        expect(consumer).toEqual(whole.flatMap((batch) => [...batch.consumer]).slice(first));
        await spool.close();
      }),
      { numRuns: 60 },
    );
  });
});
