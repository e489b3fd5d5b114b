import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openCheckpoints, openStores } from '../../../actors/node/data-folder.ts';
import { checkNodeConfig } from '../../../actors/node/http/authorise.ts';
import { lockFolder } from '../../../engine/host/folder-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(['short', 'long'.repeat(40)])('a folder is locked once, until it is released (%s)', async (name) => {
  const path = join(folder, name);
  mkdirSync(path);
  const lock = await lockFolder(path);
  await expect(lockFolder(path)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('another process'),
  });
  await lock.release();
  await (await lockFolder(path)).release();
});

test('the lock of a process that was killed is taken over', async () => {
  const path = join(folder, 'killed');
  mkdirSync(path);
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(join(path, 'lock.sock'))}, () => console.log('held'))`,
  ]);
  await new Promise((done) => child.stdout.once('data', done));
  await expect(lockFolder(path)).rejects.toMatchObject({ code: 'io' });
  child.kill('SIGKILL');
  await new Promise((done) => child.on('close', done));
  expect(existsSync(join(path, 'lock.sock'))).toBe(true);
  await (await lockFolder(path)).release();
});

test('the data of a running node is opened by nobody else, neither a node nor a command', async () => {
  const config = checkNodeConfig({ dataFolder: join(folder, 'data') }, 'test');
  const stores = await openStores(config);
  await expect(openStores(config)).rejects.toMatchObject({ code: 'io' });
  await expect(openCheckpoints(config.dataFolder)).rejects.toMatchObject({ code: 'io' });
  await stores.close();
  await (await openCheckpoints(config.dataFolder)).close();
  await (await openStores(config)).close();
});

test.each([
  ['', 'corrupt'],
  ['garbage\n', 'corrupt'],
  ['{"layout":"one"}', 'corrupt'],
  ['null', 'corrupt'],
  ['{"layout":99}', 'unsupported'],
])(
  'a folder whose marker says %j is refused in one line that names the marker, and is left as it is',
  async (text, code) => {
    const dataFolder = mkdtempSync(join(folder, 'marker-'));
    await (await openStores(checkNodeConfig({ dataFolder }, 'test'))).close();
    writeFileSync(join(dataFolder, 'node.json'), text);
    const opening = openStores(checkNodeConfig({ dataFolder }, 'test'));
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(/^[^\n]*node\.json: [^\n]*$/) });
    expect(readFileSync(join(dataFolder, 'node.json'), 'utf8')).toBe(text);
  },
);
