/** Stores whose disk is full, each in a process and on a file system of its own: LMDB may end the process of a write that is refused. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../require-or-skip.ts';
import { apart, NOBODY_MOUNTS } from '../small-disk.ts';

const state = resolve(process.env.ANTEROOM_DIST ?? 'dist', 'engine/state');
const isSkipped =
  skipUnless(existsSync(state), `${state} is absent: npm run build`) || skipUnless(apart !== undefined, NOBODY_MOUNTS);

const folder = mkdtempSync(join(tmpdir(), 'anteroom-full-'));
const disk = join(folder, 'disk');
mkdirSync(disk);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PRELUDE = `
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { LmdbCheckpointStore } from '${pathToFileURL(join(state, 'lmdb-checkpoint-store.js'))}';
import { LmdbLogStore } from '${pathToFileURL(join(state, 'lmdb-log-store.js'))}';
const disk = process.argv[2];
const free = () => { const { bavail, bsize } = statfsSync(disk); return bavail * bsize; };
const fill = (left) => writeFileSync(disk + '/other', Buffer.alloc(free() - left));
const empty = () => rmSync(disk + '/other');
const tell = (step, done) => done.then(() => console.log(step), (error) => console.log(step, error.code, error.message));
const MIB = 2 ** 20;
const put = (store, bytes) => store.put(
  { logPosition: 0, watermarkMs: null, schemaVersion: 1, createdAtMs: 0, parts: [new Uint8Array(bytes).fill(7)] },
);
const append = (log, bytes) => log.append([{ origin: null, frames: [{ units: 1, bytes: new Uint8Array(bytes).fill(7) }] }]);
`;

/** What the script tells, a line a step, on a disk of so many MiB. */
function run(diskMiB: number, script: string): string[] {
  const file = join(folder, 'script.mjs');
  writeFileSync(file, PRELUDE + script);
  const mount = `mount -t tmpfs -o size=${diskMiB}m none ${disk}`;
  const words = [...(apart ?? []), 'sh', '-c', `${mount} && exec ${process.execPath} ${file} ${disk}`];
  const { status, signal, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 });
  // LMDB says so itself where a write of its own was refused: there its next step may be its last.
  expect(stderr).toBe('');
  expect({ status, signal }).toEqual({ status: 0, signal: null });
  return stdout.trim().split('\n');
}

const REFUSED = /disk-full .* are free on its disk$/;

describe.skipIf(isSkipped)('stores whose disk is full', () => {
  test('checkpoints refused one after the other do not end the process, and a small one finds the room of a removed one', () => {
    const said = run(
      120,
      `
      const store = await LmdbCheckpointStore.open({ path: disk + '/store', config: { kept: 1 } });
      for (let i = 0; i < 2; i++) await put(store, 44 * MIB);
      fill(0);
      for (let i = 0; i < 3; i++) await tell('large', put(store, 44 * MIB));
      await tell('small', put(store, MIB / 10));
      for (const { id } of await store.list()) console.log(id, await store.verify(id));
      `,
    );
    expect(said.slice(0, 3)).toEqual(Array(3).fill(expect.stringMatching(REFUSED)));
    expect(said.slice(3)).toEqual(['small', '3 null']);
  });

  test('an append right after a trim waits for no pages that LMDB does not give yet', () => {
    const said = run(
      40,
      `
      const log = await LmdbLogStore.open({ path: disk + '/store' });
      for (let i = 0; i < 40; i++) await append(log, 200_000);
      fill(300_000);
      await tell('trim', log.trim(40));
      for (let i = 0; i < 2; i++) await tell('append', append(log, 600_000));
      await log.close();
      `,
    );
    expect(said).toEqual(['trim', 'append', 'append']);
  });

  for (const bytes of [20_000, 100_000, 1_000_000]) {
    test(`a log that grew until its disk was full, by ${bytes} bytes each time, is trimmed and goes on`, () => {
      const said = run(
        24,
        `
        const log = await LmdbLogStore.open({ path: disk + '/store' });
        let count = 0;
        const fault = await (async () => { for (;; count++) await append(log, ${bytes}); })().catch((error) => error);
        console.log(fault.code, fault.message);
        await tell('trim', log.trim(count));
        for (let i = 0; i < 3; i++) await tell('append', append(log, ${bytes}));
        await log.close();
        `,
      );
      expect(said).toEqual([expect.stringMatching(REFUSED), 'trim', 'append', 'append', 'append']);
    });
  }

  test('a removal whose list of free pages has no room is refused, and is done when there is some', () => {
    const said = run(
      200,
      `
      const store = await LmdbCheckpointStore.open({ path: disk + '/store' });
      const { id } = await put(store, 160 * MIB);
      fill(280_000);
      await tell('delete', store.delete(id));
      empty();
      fill(700_000);
      await tell('delete', store.delete(id));
      await tell('put', put(store, 8 * MIB));
      await store.close();
      `,
    );
    expect(said).toEqual([expect.stringMatching(new RegExp(`^delete ${REFUSED.source}`)), 'delete', 'put']);
  });
});
