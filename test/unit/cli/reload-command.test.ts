import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, Scratch } from './command.ts';
import { endNodeProcesses, startNode } from './node-process.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
afterEach(endNodeProcesses);

const settings = (more = '', level = 'info', answersMax = 1000): string =>
  `store: memory\nhttp:\n  answersMax: ${answersMax}\nlogging:\n  level: ${level}\n${more}`;
const reload = (url: string, ...words: string[]) => anteroom(['reload', '--url', url, ...words]);
const rows = Array.from({ length: 30 }, (_, i) => JSON.stringify({ segment: `/s${i}`, consumer: 'c' })).join('\n');
const post = async (url: string): Promise<number> =>
  (await fetch(`${url}/v1/accesses?format=ndjson`, { method: 'POST', body: rows })).status;
const hot = async (url: string): Promise<number> =>
  ((await (await fetch(`${url}/v1/hot-segments?limit=50`)).json()) as { segments: unknown[] }).segments.length;

describe.skipIf(isUnbuilt)('a running node reads its settings again', () => {
  test('by command: what can change does, the rest is named and stays as it was', async () => {
    const config = scratch.write('node.yaml', settings());
    const { url } = await startNode(['--config', config]);
    await post(url);
    expect(await hot(url)).toBe(30);
    expect(await reload(url)).toMatchObject({ status: 0, stdout: 'nothing changed\n' });

    scratch.write(
      'node.yaml',
      settings(
        'ingest:\n  rowsPerPostMax: 7\nengine:\n  capacity: 9\n  caps:\n    requestsMax: 3\nname: other\n',
        'info',
        5,
      ),
    );
    const { status, stdout } = await reload(url);
    expect(status).toBe(0);
    expect(stdout).toBe(
      'changed: http.answersMax, ingest.rowsPerPostMax, engine.caps.requestsMax\nas before until the node starts again: name, engine.capacity\n',
    );
    expect(await hot(url)).toBe(5);
    expect(await post(url)).toBe(413);
    const told = (await (await fetch(`${url}/v1/status`)).json()) as { name: string };
    expect(told.name).toBe('anteroom');
    const outcomes = (await (await fetch(`${url}/v1/outcomes`)).json()) as { cache: { capacity: number } };
    expect(outcomes.cache.capacity).toBe(1000);
    const again = await reload(url, '--json');
    expect(JSON.parse(again.stdout)).toEqual({ applied: [], needsRestart: ['name', 'engine.capacity'] });
  });

  test('by SIGHUP, and says in its log what changed; a level of the log acts at once', async () => {
    const config = scratch.write('hup.yaml', settings('', 'warn'));
    const one = await startNode(['--config', config]);
    expect(one.said()).not.toContain('"msg":"state"');
    scratch.write('hup.yaml', settings('', 'info', 3));
    one.child.kill('SIGHUP');
    await one.until(/settings were read again/);
    expect(one.said()).toContain('"applied":["http.answersMax","logging.level"],"needsRestart":[]');
    await post(one.url);
    expect(await hot(one.url)).toBe(3);
  });

  test('a bad file is one clear error and changes nothing; a good one after it is taken', async () => {
    const config = scratch.write('bad.yaml', settings());
    const one = await startNode(['--config', config]);
    await post(one.url);
    for (const [text, message] of [
      [settings('ingest:\n  postsMaxx: 3\n', 'info', 2), /ingest\.postsMaxx: unknown setting/],
      [settings('http:\n  answersMax: 1\n', 'info', 2), /bad\.yaml: /],
      [settings('drainMs: soon\n', 'info', 2), /drainMs: expected a duration/],
      ['http:\n  answersMax: 2\n  tokens:\n    - name: a\n', /http\.tokens\[0\]: expected a token/],
      ['http: [', /bad\.yaml: /],
    ] as const) {
      scratch.write('bad.yaml', text);
      const { status, stdout, stderr } = await reload(one.url);
      expect([text, status, stdout]).toEqual([text, 2, '']);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n').length).toBe(1);
      expect(await hot(one.url)).toBe(30);
    }
    one.child.kill('SIGHUP');
    await one.until(/the settings were not read again and stay as they are/);
    scratch.write('bad.yaml', settings('', 'info', 4));
    expect((await reload(one.url)).stdout).toBe('changed: http.answersMax\n');
    expect(await hot(one.url)).toBe(4);
  });

  test('without a file there is nothing to read', async () => {
    const { url } = await startNode(['--data', scratch.path('none')]);
    const { status, stderr } = await reload(url);
    expect(status).toBe(2);
    expect(stderr).toContain('without a file of settings');
  });

  test('a token that is taken away or changed in its file is refused from then on, and loopback is not what makes the others needless', async () => {
    scratch.write('keeper', 'keeper-0123456789abcdef');
    const file = scratch.path('keeper');
    const config = scratch.write(
      'tokens.yaml',
      `store: memory\nhttp:\n  host: 0.0.0.0\n  tokens:\n    - { name: keeper, tokenFile: ${file}, scopes: [admin] }\n`,
    );
    const one = await startNode(['--config', config]);
    const url = one.url.replace('0.0.0.0', '127.0.0.1');
    const status = async (token: string): Promise<number> =>
      (await fetch(`${url}/v1/status`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await status('keeper-0123456789abcdef')).toBe(200);
    const old = scratch.write('old', 'keeper-0123456789abcdef');
    scratch.write('keeper', 'another-0123456789abcde');
    expect((await reload(url, '--token-file', old)).stdout).toBe('changed: http.tokens\n');
    expect(await status('keeper-0123456789abcdef')).toBe(401);
    expect(await status('another-0123456789abcde')).toBe(200);
    // A file that would leave the address open to everyone is refused, though it says loopback.
    scratch.write('tokens.yaml', 'store: memory\nhttp:\n  host: 127.0.0.1\n');
    const open = await reload(url, '--token-file', file);
    expect([open.status, open.stderr]).toEqual([2, expect.stringContaining('can be reached by others')]);
    expect(await status('another-0123456789abcde')).toBe(200);
    expect(await status('')).toBe(401);
  });
});
