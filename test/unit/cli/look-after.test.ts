import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, Scratch } from './command.ts';
import { endNodeProcesses, type NodeProcess, startNode } from './node-process.ts';

const scratch = new Scratch();
afterAll(() => {
  endNodeProcesses();
  scratch.remove();
});

/** Commands that ask a running node. */
const asking = ['status', 'forecast', 'plans', 'decisions', 'reload', 'drain', 'dlq ls', 'dlq redrive'];

describe.skipIf(isUnbuilt)('without a node', () => {
  test.each(asking)('%s says in one line that none answers, with exit status 1', async (words) => {
    const { status, stdout, stderr } = await anteroom([...words.split(' '), '--url', 'http://127.0.0.1:9', '--json']);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe('anteroom: no node answers at http://127.0.0.1:9 (--url says where it is)\n');
  });

  test('an address that is none, a folder that is none and a file that is none are exit status 2', async () => {
    for (const words of [
      ['status', '--url', 'nonsense'],
      ['checkpoint', 'ls', '--data', scratch.path('nowhere')],
      ['checkpoint', 'verify', '--data', scratch.path('nowhere')],
      ['checkpoint', 'restore', '1', '--data', scratch.path('nowhere')],
      ['checkpoint', 'ls', '--config', scratch.path('no.yaml')],
      ['checkpoint', 'ls', '--url', 'http://127.0.0.1:9', '--data', 'x'],
      ['keys', 'show', '--dir', scratch.path('nowhere')],
      ['plans', '--limit', 'many'],
    ]) {
      const { status, stdout, stderr } = await anteroom(words);
      expect([words, status, stdout]).toEqual([words, 2, '']);
      expect(stderr.trim().split('\n').length).toBe(1);
    }
    expect((await anteroom(['explain', 'http://127.0.0.1:9'])).status).toBe(1);
    expect(existsSync(scratch.path('nowhere'))).toBe(false);
  });

  test('config prints a file that config --json has the values of', async () => {
    const yaml = await anteroom(['config']);
    const json = await anteroom(['config', '--json']);
    const { parse } = await import('yaml');
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  });

  test('keys proof prints at both places the same, and is exit status 2 for a place that is not allowed', async () => {
    const [here, there] = [scratch.path('proof-here'), scratch.path('proof-there')];
    const { stdout: ours } = await anteroom(['keys', 'generate', 'here', '--dir', here]);
    const { stdout: theirs } = await anteroom(['keys', 'generate', 'there', '--dir', there]);
    expect((await anteroom(['keys', 'proof', 'there', '--dir', here])).status).toBe(2);
    await anteroom(['keys', 'allow', 'there', '--dir', here, '--', theirs.trim()]);
    await anteroom(['keys', 'allow', 'here', '--dir', there, '--', ours.trim()]);
    const one = await anteroom(['keys', 'proof', 'there', '--dir', here]);
    expect(one.stdout).toMatch(/^proof:[0-9a-f]{64}\n$/);
    expect((await anteroom(['keys', 'proof', 'here', '--dir', there])).stdout).toBe(one.stdout);
  }, 30_000);

  test('keys show --json is what keys show says', async () => {
    const dir = scratch.path('keys');
    const { stdout: publicKey } = await anteroom(['keys', 'generate', 'here', '--dir', dir]);
    expect(JSON.parse((await anteroom(['keys', 'show', '--dir', dir, '--json'])).stdout)).toEqual({
      place: 'here',
      publicKey: publicKey.trim(),
      nextPublicKey: null,
      allowed: {},
    });
  });
});

describe.skipIf(isUnbuilt)('with a node that prefetches', () => {
  const flag = scratch.path('open');
  let node: NodeProcess;
  const ask = (...words: string[]) => anteroom([...words, '--url', node.url]);
  const json = async <T>(...words: string[]): Promise<T> => JSON.parse((await ask(...words, '--json')).stdout) as T;

  beforeAll(async () => {
    if (isUnbuilt) return;
    const config = scratch.write(
      'node.yaml',
      `dataFolder: ${scratch.path('data')}
engine: { capacity: 4, trafficMax: null }
delivery: { attemptsMax: 1 }
sinks:
  - { type: command, name: door, command: [test, -e, ${flag}] }
`,
    );
    node = await startNode(['--config', config]);
    const rows = Array.from({ length: 600 }, (_, i) =>
      JSON.stringify({ time: 1_790_000_000_000 + i * 1000, segment: `/page-${i % 10}`, consumer: 'c1' }),
    ).join('\n');
    await fetch(`${node.url}/v1/accesses?format=ndjson`, { method: 'POST', body: rows });
    while ((await json<{ count: number }>('dlq', 'ls')).count < 2)
      await new Promise((settle) => setTimeout(settle, 50));
  }, 60_000);

  test('status says how it does, and so does its exit status', async () => {
    const { status, stdout } = await ask('status');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^state +(ready|degraded), prefetching, up \d+ s, version/);
    expect(stdout).toMatch(/dead letters/);
    // Its name and why were written together where the name was long.
    expect(stdout).toMatch(/^trouble +sink: door: \S/m);
    expect(await json('status')).toMatchObject({ isReady: true, told: { accesses: 600 } });
  });

  test('decisions, plans and forecasts come with reasons, and a wrong word is exit status 2 with those that there are', async () => {
    expect((await ask('decisions', '--limit', '3')).stdout.trim().split('\n').length).toBe(3);
    const { decisions } = await json<{ decisions: { segment: string; why: string }[] }>(
      'decisions',
      '--segment',
      '/page-3',
    );
    expect(decisions.length).toBeGreaterThan(0);
    for (const { segment, why } of decisions)
      expect([segment, why]).toEqual(['/page-3', expect.stringContaining('/page-3')]);
    expect((await ask('plans')).stdout).toMatch(/\d+ planned, \d+ queued, \d+ open, \d+ staged \(prefetching\)\n$/);
    expect(await json('plans', '--state', 'staged')).toMatchObject({ mode: 'prefetching' });
    expect((await ask('forecast', '--consumer', 'c1', '--count', '1')).stdout).toMatch(
      /^c1, after \/page-9\n\n +[\d.]+ % /,
    );
    const wrong = await ask('decisions', '--kind', 'nonsense');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/issued.*refused.*withdrawn.*ended/)]);
    expect((await ask('forecast', '--consumer', 'nobody')).status).toBe(2);
  });

  test('explain tells the story of a segment at the node, and what its misses are due to', async () => {
    const one = await anteroom(['explain', node.url, '--segment', '/page-3']);
    expect(one.status).toBe(0);
    expect(one.stdout).toMatch(/^\/page-3\n {2}accessed 60 times by about 1 consumer,/);
    expect(one.stdout).toMatch(/led to by \/page-2/);
    expect(one.stdout).toMatch(/followed by \/page-4/);
    expect(one.stdout).toMatch(/decisions, the latest first:\n {4}\d{4}-/);
    const all = await anteroom(['explain', node.url, '--json', '-']);
    expect(JSON.parse(all.stdout)).toMatchObject({ accesses: 600, missClasses: expect.any(Object) });
    expect((await anteroom(['explain', node.url, '--segment', '/nowhere'])).status).toBe(2);
  });

  test('dlq ls and redrive: what fails again is named with exit status 1, as is a key that there is not; what succeeds is gone', async () => {
    const { letters } = await json<{ letters: { key: string; sink: string }[] }>('dlq', 'ls');
    const [first] = letters;
    expect((await ask('dlq', 'ls')).stdout).toContain(first!.key);
    const again = await ask('dlq', 'redrive', first!.key);
    expect([again.status, again.stdout]).toEqual([
      1,
      expect.stringMatching(/^door .*\n0 delivered, 1 failed again\n$/),
    ]);
    const unknown = await ask('dlq', 'redrive', 'no-such-key');
    expect([unknown.status, unknown.stdout]).toEqual([
      1,
      'there is no dead letter no-such-key\n0 delivered, 0 failed again\n',
    ]);
    writeFileSync(flag, '');
    const opened = await ask('dlq', 'redrive', first!.key);
    expect([opened.status, opened.stdout]).toEqual([
      0,
      expect.stringMatching(/^[1-9]\d* delivered, 0 failed again\n$/),
    ]);
    const left = await json<{ letters: { key: string }[] }>('dlq', 'ls');
    expect(left.letters.map(({ key }) => key)).not.toContain(first!.key);
  });

  test('names with line feeds, overrides of direction or thousands of letters made lines of their own: each is one short line', async () => {
    const names = ['/a\nstate           stopped', '/b\u202etxt.exe', `/${'long'.repeat(1500)}`, '\u001b[2J<b>"\'`'];
    const rows = Array.from({ length: 80 }, (_, i) =>
      JSON.stringify({ time: 1_790_001_000_000 + i * 1000, segment: names[i % 4], consumer: 'c\n2' }),
    ).join('\n');
    expect((await fetch(`${node.url}/v1/accesses?format=ndjson`, { method: 'POST', body: rows })).status).toBe(200);
    const told = [
      await ask('forecast', '--consumer', 'c\n2'),
      await ask('decisions', '--limit', '50'),
      await ask('plans', '--limit', '50'),
      await anteroom(['explain', node.url, '--segment', names[0]!]),
    ];
    for (const { status, stdout } of told) {
      expect(status).toBe(0);
      for (const line of stdout.split('\n')) {
        expect(line.length).toBeLessThan(1000);
        expect(line).not.toMatch(/^state {2,}stopped/);
        for (const mark of ['\u202e', '\u001b']) expect(line).not.toContain(mark);
      }
    }
    expect(told[0]!.stdout.split('\n')[0]).toBe('c\\x0a2, after \\x1b[2J<b>"\'`');
    const whole = await json<{ forecasts: { segment: string }[] }>('forecast', '--consumer', 'c\n2');
    expect(whole.forecasts.map(({ segment }) => segment)).toContain(names[2]);
  });

  test('checkpoints of a node that runs are asked of it, and its folder says so; drained, they are read, verified and restored there', async () => {
    const config = scratch.path('node.yaml');
    await fetch(`${node.url}/v1/checkpoints`, { method: 'POST' });
    expect((await ask('checkpoint', 'ls')).stdout).toMatch(/^ +1 {2}\S+Z {2}position \d+/);
    expect((await ask('checkpoint', 'verify')).stdout).toMatch(/ {2}whole\n$/);
    const locked = await anteroom(['checkpoint', 'ls', '--config', config]);
    expect([locked.status, locked.stderr]).toEqual([
      2,
      expect.stringMatching(/another process is using it: .*--url.*drain --wait/),
    ]);
    expect((await ask('drain', '--wait')).stdout).toBe('stopped\n');
    expect((await node.ended)[0]).toBe(0);
    const listed = JSON.parse((await anteroom(['checkpoint', 'ls', '--config', config, '--json'])).stdout) as {
      id: number;
    }[];
    expect(listed.length).toBeGreaterThan(0);
    const verified = await anteroom(['checkpoint', 'verify', '--config', config]);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringMatching(/whole/)]);
    const oldest = Math.min(...listed.map(({ id }) => id));
    const restored = await anteroom(['checkpoint', 'restore', String(oldest), '--config', config, '--json']);
    expect(JSON.parse(restored.stdout)).toEqual({
      restored: oldest,
      removed: listed.map(({ id }) => id).filter((id) => id > oldest),
    });
    expect((await anteroom(['checkpoint', 'restore', '99', '--config', config])).status).toBe(2);
  });
});
