/** What cannot be is refused on one line that names the place, with status 2, and is never called a fault of ours. */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const good = scratch.write(
  'good.csv',
  `t_ms,object,size\n${Array.from({ length: 300 }, (_, i) => `${i * 10},o${i % 37},100\n`).join('')}`,
);
const quick = ['--prefetch', 'none', '--cache', '0.1', '--evict', 'lru'];
const nowhere = '/no/such/folder/file';
const binary = scratch.write('noise.csv', Buffer.from([27, 91, 50, 74, 44, 7, 8, 44, 0x9b, 10, 1, 44, 2, 44, 3, 10]));

describe.skipIf(isUnbuilt).concurrent('is refused on one line with its place', () => {
  test.each<[string, readonly string[], RegExp]>([
    [
      'names where --addresses says numbers',
      ['replay', good, ...quick, '--addresses', '512'],
      /good\.csv: .*"o0" is not an address/,
    ],
    ['a column that is not there', ['replay', good, ...quick, '--columns', 'segment=url'], /good\.csv: no column url/],
    ['a role given twice', ['replay', good, '--columns', 'segment=a,segment=b'], /segment is given twice/],
    [
      'a bad record in the midst of a log, without a word of how to go on',
      ['prove', scratch.write('midst.csv', 't_ms,object,size\n1,a,10\n2,b,10\n3,c,ten\n')],
      /midst\.csv:4:.* \(--lenient counts bad records and goes on\)/,
    ],
    ['a page to standard output', ['replay', good, ...quick, '--report', '-'], /--report/],
    ['a story in no folder, before it is told', ['explain', good, '--json', nowhere], /no\/such\/folder/],
    ['a campaign in no folder', ['sim', '--seeds', '1', '--json', nowhere], /no\/such\/folder/],
    ['a workload in no folder', ['generate', 'chains', '--out', nowhere], /no such file or folder/],
    ['a workload in the place of a folder', ['generate', 'chains', '--out', scratch.folder], /is a directory/],
    [
      'a parameter beyond its bound',
      ['generate', 'chains', '--accesses', '0'],
      /workload chains: accesses: expected at least 1, not 0/,
    ],
    [
      'a length beyond the times that can be told, which was written until the disk was full',
      ['generate', 'diurnal', '--days', '1e9'],
      /workload diurnal: days: expected at most 365000, not 1000000000/,
    ],
    [
      'a number too large to be exact, of which it said that it was no whole number from 0 on',
      ['replay', good, ...quick, '--seed', '99999999999999999999'],
      /--seed <n>.* expected at most 9007199254740991/,
    ],
    [
      'a data folder in the place of a file',
      ['node', '--port', '0', '--data', good],
      /good\.csv: a file is there, and no folder/,
    ],
    // The system says "not there" of the folder that is to be made: a start waited for ever, without a word.
    ...(existsSync('/proc/self')
      ? ([
          ['a data folder where none can be made', ['node', '--port', '0', '--data', '/proc/none/of'], /\/proc\/none/],
        ] as [string, readonly string[], RegExp][])
      : []),
    ['a parameter that is not there', ['replay', 'workload:chains,foo=1'], /workload chains: foo: unknown setting/],
    ['the help of a command that does not exist, which was that of the whole', ['lists', '--help'], /command 'lists'/],
    ['a port that is none', ['node', '--port', 'abc'], /--port/],
    [
      'settings whose alias leads nowhere',
      ['replay', good, '--config', scratch.write('alias.yaml', 'a: *b\n')],
      /alias\.yaml: /,
    ],
    [
      'settings that are cut',
      ['replay', good, '--config', scratch.write('cut.yaml', 'a: [1\n')],
      /cut\.yaml: .*[^:]\n$/,
    ],
  ])('%s', async (_, words, message) => {
    const { status, stdout, stderr } = await anteroom(words);
    expect(stderr).toMatch(/^anteroom: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('fault of ours');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('and what a binary file holds does not reach the terminal as it is', async () => {
    const { status, stderr } = await anteroom(['replay', binary, '--format', 'csv']);
    expect(status).toBe(2);
    expect(stderr.trimEnd()).toMatch(/^[\x20-\x7e\ufffd]+$/);
    expect(stderr).toContain('\\x1b[2J');
  });
});

describe.skipIf(isUnbuilt).concurrent('names in a log', () => {
  test('are told without their control characters', async () => {
    const csv = scratch.write('escape.csv', `t_ms,object\n${'1,\u001b[2Jo\n2,p\n'.repeat(40)}`);
    const { status, stdout } = await anteroom(['explain', csv, '--cache', '1']);
    expect(status).toBe(0);
    expect(stdout).toContain('\\x1b[2Jo');
    expect(stdout).not.toContain('\u001b');
  });
});

describe.skipIf(isUnbuilt)('a trace that finds no folder for temporary files', () => {
  test('says which folder, and how to choose another', async () => {
    const { status, stderr } = await runIn({ TMPDIR: '/no/such/folder' }, ['replay', good, ...quick]);
    expect(stderr).toMatch(/^anteroom: temporary files in \/no\/such\/folder \(TMPDIR[^\n]*\n$/);
    expect(status).toBe(2);
  });
});

describe.skipIf(isUnbuilt || !existsSync('/dev/full')).concurrent('standard output on a full disk', () => {
  test.each([
    ['a replay, whose files are written all the same', ['replay', good, ...quick]],
    ['a workload', ['generate', 'chains', '--accesses', '9000']],
  ])('of %s is one line and status 2', async (_, words) => {
    const json = join(scratch.folder, 'kept.json');
    const all = words[0] === 'replay' ? [...words, '--json', json] : words;
    const { status, stderr } = await runIn({}, all, '/dev/full');
    expect(stderr).toMatch(/^anteroom: <stdout>: ENOSPC[^\n]*\n$/);
    expect(status).toBe(2);
    if (words[0] === 'replay') expect(JSON.parse(readFileSync(json, 'utf8')).runs).toHaveLength(1);
  });
});

test.skipIf(isUnbuilt)('a workload that cannot be written to its end leaves no file, whole or partial', async () => {
  const own = new Scratch();
  try {
    // It may be written by all that can be known beforehand; the name of its partial file is too long.
    const { status } = await anteroom([
      'generate',
      'chains',
      '--accesses',
      '5000',
      '--out',
      own.path(`${'n'.repeat(250)}`),
    ]);
    expect(status).toBe(2);
    expect(readdirSync(own.folder)).toEqual([]);
  } finally {
    own.remove();
  }
});

/** Runs the command with other surroundings, its standard output led to a file. */
function runIn(
  environment: Readonly<Record<string, string>>,
  words: readonly string[],
  stdout = '/dev/null',
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const main = join(process.env.ANTEROOM_DIST ?? 'dist', 'sim/cli/main.js');
  const shell = `exec "$0" "$@" > ${stdout}`;
  return new Promise((settle, reject) => {
    const child = spawn('sh', ['-c', shell, process.execPath, resolve(main), ...words], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (status) => settle({ status, stderr }));
  });
}
