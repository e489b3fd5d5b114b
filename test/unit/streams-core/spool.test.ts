import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openScratchFile } from '../../../engine/host/scratch-file.ts';
import { BatchSpool } from '../../../streams/spool.ts';
import { batchOf, timedRow } from '../../laws/streams-batches.ts';

describe('spool', () => {
  test('a column of equal rows takes no room', async () => {
    const spool = new BatchSpool(await openScratchFile());
    await spool.append(batchOf(Array.from({ length: 1000 }, (_, i) => timedRow(Number.NaN, i))));
    expect(spool.byteLength).toBe(4 * 1000);
    await spool.append(batchOf(Array.from({ length: 1000 }, () => timedRow(5, 7))));
    expect(spool.byteLength).toBe(4 * 1000);
    await spool.close();
  });

  test('columns keep their places when the rows of a batch are odd', async () => {
    const spool = new BatchSpool(await openScratchFile());
    const rows = Array.from({ length: 7 }, (_, i) => ({
      timeMs: i / 3,
      segment: i,
      consumer: -i,
      site: i,
      op: i % 4,
      size: i * 2 ** 33,
      weight: i + 1,
    }));
    await spool.append(batchOf(rows));
    await spool.append(batchOf(rows.slice(0, 3), 7));
    const second = await spool.read(1);
    expect([second.position, ...second.size, ...second.op]).toEqual([7, 0, 2 ** 33, 2 ** 34, 0, 1, 2]);
    await spool.close();
  });

  test('nothing stays in the folder when it is closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'anteroom-test-'));
    const spool = new BatchSpool(await openScratchFile(folder));
    await spool.append(batchOf([timedRow(1, 2), timedRow(3, 4)]));
    await spool.close();
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  test('a reader that stops early leaves a spool that can be closed', async () => {
    const spool = new BatchSpool(await openScratchFile());
    for (let i = 0; i < 5; i++) await spool.append(batchOf([timedRow(i, i), timedRow(i, i + 1)], 2 * i));
    for await (const batch of spool.backward()) {
      expect(batch.position).toBe(8);
      break;
    }
    await spool.close();
    await expect(spool.append(batchOf([timedRow(1, 1)]))).rejects.toThrow('the spool is closed');
  });

  test('a folder that is not there is an operating fault', async () => {
    await expect(openScratchFile(join(tmpdir(), 'anteroom-absent', 'x'))).rejects.toMatchObject({ code: 'not-found' });
  });
});
