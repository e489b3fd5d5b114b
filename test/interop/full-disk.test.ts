/** A node whose disk is full, on a file system of its own. */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { skipUnless } from '../require-or-skip.ts';
import { apart, NOBODY_MOUNTS } from '../small-disk.ts';

const main = resolve(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
const isSkipped =
  skipUnless(existsSync(main), `${main} is absent: npm run build`) || skipUnless(apart !== undefined, NOBODY_MOUNTS);

const folder = mkdtempSync(join(tmpdir(), 'anteroom-full-'));
const disk = join(folder, 'disk');
mkdirSync(disk);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Few accesses, to be learned from soon, of long names, to fill the disk. */
const POST_ROWS = 200;
const NAME_BYTES = 4000;

describe.skipIf(isSkipped)('a node whose disk is full', () => {
  test('does not die of it: it refuses, and goes on when there is room', async () => {
    const config = join(folder, 'node.yaml');
    writeFileSync(
      config,
      `http: { port: 0 }\ndataFolder: ${disk}/data\ncheckpoints: { everyMs: 1000 }\nlogProbe: { maxMs: 500 }\n`,
    );
    const script = `mount -t tmpfs -o size=16m none ${disk} && exec ${process.execPath} ${main} node --config ${config}`;
    const child = spawn('unshare', [...(apart ?? []), 'sh', '-c', script]);
    try {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const isThere = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
        while (!(await condition())) {
          if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the node has ended: ${said}`);
          await new Promise((settle) => setTimeout(settle, 50));
        }
      };
      await isThere(() => /open it in a browser/.test(said));
      const url = /listening on (http:\S+)/.exec(said)![1]!;
      // Another's file takes room, and gives it back later.
      const other = `/proc/${child.pid}/root${disk}/other`;
      writeFileSync(other, Buffer.alloc(4 * 2 ** 20));
      let acknowledged = 0;
      let posts = 0;
      const post = async (): Promise<number> => {
        const rows = Array.from(
          { length: POST_ROWS },
          (_, i) => `{"segment":"/${posts}/${i}/${'x'.repeat(NAME_BYTES)}"}`,
        );
        const { status } = await fetch(`${url}/v1/accesses?format=ndjson`, { method: 'POST', body: rows.join('\n') });
        posts++;
        if (status === 200) acknowledged += POST_ROWS;
        return status;
      };
      for (let refused = 0; refused < 6; ) {
        const status = await post();
        if (status === 200) continue;
        expect(status).toBe(507);
        refused++;
        await new Promise((settle) => setTimeout(settle, 200));
      }
      // LMDB says so itself where a write of its own was refused: there its next step may be its last.
      expect(said).not.toMatch(/Write error|mdb_page_spill/);
      expect(said).toContain('are free on its disk');
      rmSync(other);
      await isThere(async () => (await fetch(`${url}/readyz`)).status === 200);
      await isThere(async () => (await post()) === 200);
      const { log } = (await (await fetch(`${url}/v1/status`)).json()) as { log: { end: number } };
      expect(log.end).toBe(acknowledged);
    } finally {
      child.kill('SIGKILL');
    }
  }, 60_000);
});
