import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, isUnbuilt, main, nodeProcess } from './command.ts';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
/** Script and file of each command: `bench:kill`, `kill.js`. */
const commands = Object.entries(scripts)
  .filter(([script]) => script.startsWith('bench:'))
  .map(([script, line]): [string, string] => [script, /^node dist\/sim\/bench\/([\w-]+\.js)$/.exec(line)![1]!]);

/** A bad value of an option of each; where there is none, the next word is nothing to it. */
const bad: Readonly<Record<string, readonly string[]>> = {
  'bench:quality': ['--bounds', '0.5'],
  'bench:ablation': ['--limit', 'many'],
  'bench:latency': ['--latencies', '5parsecs'],
  'bench:next': ['--models', 'oracle'],
  'bench:kill': ['--rounds', '0'],
  'bench:restart': ['--segments', '1.5'],
  'bench:overload': ['--queue-mb', 'small'],
  'bench:budget': ['--shared='],
  'bench:when': ['--shared='],
  'bench:held-out': ['--constants', 'pi'],
  'bench:calibration': ['--cache', '0'],
};

const bench = (file: string, words: readonly string[]): Promise<Ended> =>
  nodeProcess([resolve(dirname(main), '../bench', file), ...words]);

test('every command of package.json is among these', () => {
  expect(commands.map(([script]) => script).sort()).toEqual(Object.keys(bad).sort());
});

describe.skipIf(isUnbuilt)('a stack trace was the answer to an unknown option and to a bad value', () => {
  test.each(commands)('npm run %s: one line says what is wrong, with exit status 2', async (script, file) => {
    const words = bad[script]!;
    const { status, stdout, stderr } = await bench(file, [...words, '--nonsense', 'stray']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.startsWith(`${script}: `)).toBe(true);
    expect(stderr).toContain(`${words[0]!.replace('=', '')}: expected `);
    if (words.length > 1) expect(stderr).toContain(`found "${words[1]}"`);
    expect(stderr).toContain('no option --nonsense; there are --');
    expect(stderr).toContain('nothing is done with "stray"');
  });

  test('a trace that is not there, and a folder without traces', async () => {
    const folder = join('no', 'such', 'folder');
    expect(await bench('when.js', ['--shared', folder])).toEqual({
      status: 2,
      stdout: '',
      stderr: `bench:when: needs the real traces; there is no ${folder}/traces (--shared FOLDER)\n`,
    });
    expect(await bench('next.js', ['--shared', folder, '--traces', 'a'])).toMatchObject({ status: 2, stdout: '' });
  });
});
