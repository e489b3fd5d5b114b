import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { nodeConfigSchema } from '../../../actors/node/node-config.ts';
import { anteroom, isUnbuilt, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const main = resolve(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  /** Exit status and signal, when it has ended. */
  readonly ended: Promise<readonly [number | null, string | null]>;
  said(): string;
}

/** A node in a process of its own; `limits` are of the shell (`ulimit`). */
function start(words: readonly string[], limits = ''): Promise<Started> {
  const child =
    limits === ''
      ? spawn(process.execPath, [main, 'node', '--port', '0', ...words])
      : spawn('/bin/sh', ['-c', `${limits}; exec "$@"`, 'sh', process.execPath, main, 'node', '--port', '0', ...words]);
  children.push(child);
  let said = '';
  const ended = new Promise<readonly [number | null, string | null]>((settle) =>
    child.on('close', (status, signal) => settle([status, signal])),
  );
  return new Promise((settle, fail) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const match = /listening on (http:\S+)/.exec(said);
      if (match !== null) settle({ child, url: match[1]!, ended, said: () => said });
    });
    void ended.then(() => fail(new Error(said)));
  });
}

const rows = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ segment: `/s${(from + i) % 50}`, consumer: 'c' })).join(
    '\n',
  );
const post = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/accesses?format=ndjson`, { method: 'POST', body, headers }).then(async (response) => ({
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
  }));

describe.skipIf(isUnbuilt)('anteroom node', () => {
  test('drains at SIGTERM: what was acknowledged is there after the next start, from the checkpoint alone', async () => {
    const data = scratch.path('drain');
    const first = await start(['--data', data]);
    expect(await post(first.url, rows(500))).toMatchObject({ status: 200, body: { accepted: 500 } });
    first.child.kill('SIGTERM');
    expect(await first.ended).toEqual([0, null]);
    const second = await start(['--data', data]);
    const { stdout, status } = await anteroom(['status', '--url', second.url, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'ready',
      recovery: { from: 500, replayed: 0, restored: 'exact' },
      log: { end: 500 },
    });
    const forecast = await anteroom(['forecast', '--url', second.url]);
    expect(forecast.stdout).toMatch(/^c, after \/s49/);
    expect((await anteroom(['decisions', '--url', second.url])).status).toBe(0);
    expect((await anteroom(['drain', '--url', second.url])).stdout).toBe('draining\n');
    expect(await second.ended).toEqual([0, null]);
    const verified = await anteroom(['checkpoint', 'verify', '--data', data]);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringMatching(/position 500 .* whole\n$/)]);
    expect((await anteroom(['status', '--url', second.url])).stderr).toMatch(/no node answers at/);
  });

  test('on a disk that is full refuses, says so, loses nothing acknowledged, and works again when there is room', async () => {
    const data = scratch.path('full');
    // Files may not grow beyond 4 MiB (units of 512 bytes or 1 KiB, as the shell has them).
    const limited = await start(['--data', data], 'ulimit -f 4096');
    let kept = 0;
    let refusal: unknown = null;
    for (let i = 0; i < 200 && refusal === null; i++) {
      const wide = Array.from({ length: 200 }, (_, row) =>
        JSON.stringify({ segment: `/${'x'.repeat(200)}/${i}/${row}` }),
      ).join('\n');
      const answer = await post(limited.url, wide, { producer: 'p', sequence: String(i) });
      if (answer.status === 200) kept += 200;
      else refusal = answer;
    }
    expect(refusal).toMatchObject({ status: 507, body: { error: { code: 'disk-full' } } });
    expect(kept).toBeGreaterThan(0);
    expect((await fetch(`${limited.url}/readyz`)).status).toBe(503);
    expect((await anteroom(['status', '--url', limited.url])).stdout).toMatch(/degraded \(not ready\)/);
    limited.child.kill('SIGKILL');
    await limited.ended;
    const free = await start(['--data', data]);
    const { stdout } = await anteroom(['status', '--url', free.url, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'ready', log: { end: kept } });
    expect((await post(free.url, rows(10), { producer: 'p', sequence: '1000' })).status).toBe(200);
    free.child.kill('SIGTERM');
    await free.ended;
  });

  test('refuses settings and data that cannot be, in one line, with status 2', async () => {
    const config = scratch.write('bad.yaml', 'http:\n  hots: 127.0.0.1\n');
    expect(await anteroom(['node', '--config', config])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^anteroom: .*bad\.yaml: http\.hots: unknown setting\n$/),
    });
    const open = scratch.write('open.yaml', 'http:\n  host: 0.0.0.0\n');
    expect(await anteroom(['node', '--config', open, '--check'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('http.tokens'),
    });
    const data = scratch.path('lost');
    const one = await start(['--data', data]);
    await post(one.url, rows(5));
    one.child.kill('SIGTERM');
    await one.ended;
    scratch.write('lost/log/data.mdb', Buffer.alloc(100));
    const { status, stderr } = await anteroom(['node', '--data', data, '--port', '0']);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^anteroom: log: damaged: .*data\.mdb is no LMDB file\n$/),
    ]);
  });
});

test.skipIf(isUnbuilt)(
  '--check called settings good whose keys, passwords or certificates no start could use: it tells of all of them',
  async () => {
    const keys = scratch.path('keys');
    const other = scratch.path('other');
    expect((await anteroom(['keys', 'generate', 'node', '--dir', keys])).status).toBe(0);
    const { stdout } = await anteroom(['keys', 'generate', 'other', '--dir', other]);
    const text = [
      'sources:',
      "  - { type: zeromq, name: z, bind: 'tcp://0.0.0.0:7999', keysFolder: KEYS, speakers: [{ place: shop }] }",
      "  - { type: redis, name: r, url: 'rediss://127.0.0.1:1', stream: s, caFile: CA, passwordFile: /none }",
      'sinks:',
      "  - { type: zeromq, name: out, connect: 'tcp://10.0.0.1:5', keysFolder: KEYS, place: fetcher }",
    ].join('\n');
    const ca = scratch.write('ca.pem', 'no certificate');
    const config = scratch.write('keys.yaml', text.replaceAll('KEYS', keys).replace('CA', ca));
    const said = async (): Promise<string> => {
      const { status, stderr } = await anteroom(['node', '--config', config, '--check']);
      expect(status).toBe(2);
      return stderr;
    };
    const empty = await said();
    expect(empty.match(/the allow-list is empty/g)).toHaveLength(2);
    expect(empty).toContain('sources[1].caFile:');
    expect(empty).toContain('sources[1].passwordFile: /none: no such file or folder');
    const allowed = await anteroom(['keys', 'allow', 'shop', stdout.trim(), '--dir', keys]);
    expect(allowed.status).toBe(0);
    const lacking = await said();
    expect(lacking).not.toContain('sources[0]');
    expect(lacking).toContain('sinks[0].keysFolder:');
    expect(lacking).toContain('has no key of fetcher');
    chmodSync(`${keys}/allowed`, 0o644);
    expect(await said()).toContain('others may use this file');
  },
);

describe.skipIf(isUnbuilt)('anteroom config', () => {
  test('prints a file that the node takes and that says every default', async () => {
    const { stdout, status } = await anteroom(['config']);
    expect(status).toBe(0);
    expect(nodeConfigSchema.parse(parse(stdout))).toEqual(nodeConfigSchema.parse({}));
    const path = scratch.write('all.yaml', stdout);
    expect(await anteroom(['node', '--config', path, '--check'])).toMatchObject({
      status: 0,
      stdout: 'the settings are good\n',
    });
    expect(readFileSync(path, 'utf8')).toContain('# Port; 0 = any free one');
  });
});

/** In a view of the file systems of its own, where a folder has so little room; nothing of it is left after. */
function withRoom(size: string, folder: string, words: readonly string[]) {
  const script = `mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`;
  return spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script, folder, ...words], {
    encoding: 'utf8',
  });
}
const canMount = withRoom('64k', scratch.folder, ['true']).status === 0;
if (!canMount) console.warn('skipped: a small file system cannot be mounted here (unshare --mount)');

test.skipIf(isUnbuilt || !canMount)(
  'a first start on a full disk crashed without a word: it is one line that says so',
  () => {
    const data = scratch.path('data');
    const words = [process.execPath, main, 'node', '--port', '0', '--data', data];
    const { status, stderr } = withRoom('64k', scratch.folder, words);
    expect([status, stderr]).toEqual([
      2,
      `anteroom: ${data}: 65536 bytes are free there: expected at least 1048576 for the first start\n`,
    ]);
  },
);
