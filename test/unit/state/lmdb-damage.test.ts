import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LmdbCheckpointStore } from '../../../engine/state/lmdb-checkpoint-store.ts';
import { LmdbLogStore } from '../../../engine/state/lmdb-log-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-damage-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const whole = join(folder, 'whole');
let copies = 0;

/** A copy of the log, to be damaged. */
function copy(): { path: string; file: string } {
  const path = join(folder, `copy-${copies++}`);
  cpSync(whole, path, { recursive: true });
  return { path, file: join(path, 'data.mdb') };
}

/** Everything that the log at `path` says it holds, or the code of the error. */
async function read(path: string): Promise<number | string> {
  try {
    const log = await LmdbLogStore.open({ path });
    try {
      let units = 0;
      for await (const entry of log.read(log.facts.start)) units += entry.units;
      return units;
    } finally {
      await log.close();
    }
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

beforeAll(async () => {
  const log = await LmdbLogStore.open({ path: whole });
  for (let i = 0; i < 40; i++)
    await log.append([
      { origin: { producer: 'p', sequence: i }, frames: [{ units: 10, bytes: new Uint8Array(9000).fill(7) }] },
    ]);
  await log.close();
});

describe('an LMDB log', () => {
  test('that is whole is read', async () => {
    expect(await read(copy().path)).toBe(400);
  });

  test('that was cut is told to be damaged, and takes nobody down', async () => {
    const { path, file } = copy();
    truncateSync(file, Math.floor(statSync(file).size / 2));
    expect(await read(path)).toBe('corrupt');
  });

  test('whose first pages are zero or of something else is told to be damaged', async () => {
    for (const byte of [0, 0x5a]) {
      const { path, file } = copy();
      const descriptor = openSync(file, 'r+');
      writeSync(descriptor, Buffer.alloc(8192, byte), 0, 8192, 0);
      closeSync(descriptor);
      expect(await read(path)).toBe('corrupt');
    }
  });

  test('that is empty though it has been there is told to be missing', async () => {
    const path = join(folder, 'absent');
    await expect(LmdbLogStore.open({ path, mustExist: true })).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('with any one page overwritten is read whole or told to be damaged, never in part', async () => {
    const pages = statSync(join(whole, 'data.mdb')).size / 4096;
    const outcomes = new Map<number | string, number>();
    for (let page = 2; page < pages; page += Math.ceil(pages / 24)) {
      const { path, file } = copy();
      const descriptor = openSync(file, 'r+');
      writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
      closeSync(descriptor);
      const outcome = await read(path);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].filter((outcome) => outcome !== 400 && outcome !== 'corrupt')).toEqual([]);
    expect(outcomes.get('corrupt')).toBeGreaterThan(5);
  });
});

// The large one is digested by a thread of its own while it is copied.
test.each([
  ['small', 2000],
  ['large', 12 * 2 ** 20],
] as const)('a %s LMDB checkpoint with one byte changed is passed over for the one before it', async (size, count) => {
  const path = join(folder, `checkpoints-${size}`);
  let store = await LmdbCheckpointStore.open({ path });
  const text = (name: string): Uint8Array => new TextEncoder().encode(`${name}-`.repeat(count));
  const put = (logPosition: number, name: string) =>
    store.put({ logPosition, watermarkMs: null, schemaVersion: 1, createdAtMs: 1, parts: [text('first'), text(name)] });
  await put(1, 'older');
  await put(2, 'newer');
  const whole = await store.latest();
  expect(whole.damaged).toEqual([]);
  expect(whole.loaded!.header.logPosition).toBe(2);
  expect(whole.loaded!.parts.map((part) => Buffer.compare(part, text('newer')))).toEqual([
    Buffer.compare(text('first'), text('newer')),
    0,
  ]);
  await store.close();
  const file = join(path, 'data.mdb');
  const descriptor = openSync(file, 'r+');
  const bytes = readFileSync(file);
  let changes = 0;
  for (let at = bytes.indexOf('newer-newer-'); at >= 0; at = bytes.indexOf('newer-newer-', at + 2 ** 24)) {
    writeSync(descriptor, '+', at + 5);
    changes++;
  }
  closeSync(descriptor);
  expect(changes).toBeGreaterThan(0);
  store = await LmdbCheckpointStore.open({ path });
  const { loaded, damaged } = await store.latest();
  expect(loaded?.header.logPosition).toBe(1);
  expect(damaged).toMatchObject([{ header: { logPosition: 2 }, problem: 'its digest differs' }]);
  await store.close();
});

test('a log whose writing thread is lost takes nothing more, says so, and is whole when it is opened again', async () => {
  const path = join(folder, 'lost-thread');
  const log = await LmdbLogStore.open({ path });
  const frames = [{ units: 1, bytes: Uint8Array.of(1) }];
  let thread: Worker | null = null;
  const { postMessage } = Worker.prototype;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...words) {
    thread = this;
    postMessage.apply(this, words);
  });
  await log.append([{ origin: null, frames }]);
  spy.mockRestore();
  const appending = log.append([{ origin: { producer: 'p', sequence: 1 }, frames }]);
  await (thread as Worker | null)!.terminate();
  // Whether the last one was committed nobody knows: it is not acknowledged, and neither is anything after it.
  await expect(appending).rejects.toMatchObject({ code: 'io' });
  await expect(log.append([{ origin: null, frames }])).rejects.toMatchObject({ code: 'io' });
  await expect(log.probe(10)).rejects.toMatchObject({ code: 'io' });
  await log.close();
  const again = await LmdbLogStore.open({ path });
  const [receipt] = await again.append([{ origin: { producer: 'p', sequence: 1 }, frames }]);
  expect(['appended', 'duplicate']).toContain(receipt!.kind);
  expect(again.facts.end).toBe(2);
  await again.close();
});
