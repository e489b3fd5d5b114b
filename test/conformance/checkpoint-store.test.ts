import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckpointContent, CheckpointStore } from '../../engine/state/checkpoint-store.ts';
import { LmdbCheckpointStore } from '../../engine/state/lmdb-checkpoint-store.ts';
import { MemoryCheckpointDisk, MemoryCheckpointStore } from '../../engine/state/memory-checkpoint-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-checkpoints-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let places = 0;
const implementations: readonly {
  readonly name: string;
  readonly place: () => (kept?: number) => Promise<CheckpointStore>;
}[] = [
  {
    name: 'memory',
    place: () => {
      const disk = new MemoryCheckpointDisk();
      return async (kept = 2) => new MemoryCheckpointStore({ disk, config: { kept } });
    },
  },
  {
    name: 'lmdb',
    place: () => {
      const path = join(folder, `checkpoints-${places++}`);
      return (kept = 2) => LmdbCheckpointStore.open({ path, config: { kept } });
    },
  },
];

const content = (logPosition: number, parts: readonly Uint8Array[]): CheckpointContent => ({
  logPosition,
  watermarkMs: 1000 + logPosition,
  schemaVersion: 3,
  createdAtMs: 5,
  parts,
});
const filled = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);

describe.each(implementations)('checkpoints in $name', ({ place }) => {
  test('give back the newest as it was put, after they were opened again too', async () => {
    const open = place();
    let store = await open();
    expect(await store.latest()).toEqual({ loaded: null, damaged: [] });
    // More than one piece, an empty part, and one byte.
    const parts = [filled(9_000_001, 1), new Uint8Array(0), filled(1, 2)];
    await store.put(content(10, [filled(5, 3)]));
    const header = await store.put(content(20, parts));
    expect(header).toMatchObject({
      logPosition: 20,
      watermarkMs: 1020,
      schemaVersion: 3,
      partBytes: [9_000_001, 0, 1],
    });
    await store.close();
    store = await open();
    const { loaded, damaged } = await store.latest();
    expect(damaged).toEqual([]);
    expect(loaded!.header).toEqual(header);
    expect(loaded!.parts.map((part) => Buffer.compare(part, parts[loaded!.parts.indexOf(part)]!))).toEqual([0, 0, 0]);
    await store.close();
  });

  test('keep as many as configured, newest first, with ids that grow', async () => {
    const store = await place()(3);
    for (let i = 1; i <= 5; i++) await store.put(content(i, [filled(10, i)]));
    const list = await store.list();
    expect(list.map((header) => header.logPosition)).toEqual([5, 4, 3]);
    expect(list[0]!.id).toBeGreaterThan(list[1]!.id);
    expect(await store.verify(list[2]!.id)).toBe(null);
    await store.delete(list[0]!.id);
    expect((await store.latest()).loaded!.header.logPosition).toBe(4);
    await expect(store.verify(list[0]!.id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(store.delete(99)).rejects.toMatchObject({ code: 'not-found' });
    await store.close();
  });

  test('of equal content have digests that differ where any field differs', async () => {
    const store = await place()(16);
    const digests = new Set<string>();
    const base = content(1, [filled(4, 1)]);
    const variants = [
      base,
      { ...base, watermarkMs: null },
      { ...base, logPosition: 2 },
      { ...base, schemaVersion: 4 },
      { ...base, parts: [filled(4, 2)] },
      { ...base, parts: [filled(2, 1), filled(4, 1).subarray(2)] },
    ];
    for (const variant of variants) digests.add((await store.put(variant)).digest);
    expect(digests.size).toBe(variants.length);
    await store.close();
  });
});

describe('a damaged checkpoint', () => {
  test('is passed over for the one before it, and told', async () => {
    const disk = new MemoryCheckpointDisk();
    const store = new MemoryCheckpointStore({ disk });
    await store.put(content(1, [filled(100, 1)]));
    const newest = await store.put(content(2, [filled(100, 2), filled(3, 3)]));
    disk.checkpoints.get(newest.id)!.parts[0]![50]! ^= 1;
    expect(await store.latest()).toMatchObject({
      loaded: { header: { logPosition: 1 } },
      damaged: [{ header: { id: newest.id }, problem: 'its digest differs' }],
    });
    disk.checkpoints.get(newest.id)!.parts[1] = null;
    expect(await store.verify(newest.id)).toBe('part 1 is missing');
  });

  test('leaves nothing to load where all are damaged', async () => {
    const disk = new MemoryCheckpointDisk();
    const store = new MemoryCheckpointStore({ disk });
    for (const position of [1, 2]) {
      const { id } = await store.put(content(position, [filled(10, 1)]));
      disk.checkpoints.get(id)!.parts[0] = filled(9, 1);
    }
    const { loaded, damaged } = await store.latest();
    expect(loaded).toBe(null);
    expect(damaged.map(({ problem }) => problem)).toEqual(['part 0 has 9 of 10 bytes', 'part 0 has 9 of 10 bytes']);
  });

  test('that was never finished does not exist, and a full disk keeps the ones before', async () => {
    const disk = new MemoryCheckpointDisk();
    const store = new MemoryCheckpointStore({ disk });
    await store.put(content(1, [filled(10, 1)]));
    disk.isFull = true;
    await expect(store.put(content(2, [filled(10, 1)]))).rejects.toMatchObject({ code: 'disk-full' });
    expect((await store.list()).map((header) => header.logPosition)).toEqual([1]);
  });
});
