/** Faults of files are told in the same words wherever they happen. */

import { afterEach, expect, test, vi } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { ioFault } from '../../../engine/host/io-fault.ts';
import { spool } from '../../../engine/host/source-file.ts';
import { printable, printableLines, printableTexts } from '../../../engine/printable.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const systemError = (code: string): Error => Object.assign(new Error(`${code}: as the system says it`), { code });

test.each([
  ['ENOENT', 'not-found', 'a.csv: no such file or folder', false],
  ['EISDIR', 'io', 'a.csv is a directory', false],
  ['EACCES', 'io', 'a.csv: permission denied', false],
  ['ENOSPC', 'disk-full', 'a.csv: ENOSPC: no space left on the disk', true],
  ['ELOOP', 'io', 'a.csv: ELOOP: as the system says it', false],
])('%s is %s', (code, expected, message, isRetryable) => {
  expect(ioFault('a.csv', systemError(code))).toMatchObject({
    code: expected,
    message,
    isRetryable,
    context: { file: 'a.csv', reason: code },
  });
});

test('what is an operating fault already stays as it is', () => {
  const fault = new AnteroomError('limit', 'too many');
  expect(ioFault('a.csv', fault)).toBe(fault);
});

test('an input that cannot be put aside for want of a folder says which folder, and how to choose another', async () => {
  vi.stubEnv('TMPDIR', '/no/such/folder');
  const chunks = async function* () {
    yield new Uint8Array(1);
  };
  await expect(spool(chunks(), 'a.parquet.gz')).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringMatching(/^temporary files in \/no\/such\/folder \(TMPDIR chooses/),
  });
});

test('text that was cut ended in half of an emoji, or in an emoji that was not in it', () => {
  const family = '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}';
  for (let length = 3; length < 3 + family.length; length++) {
    expect(printable(`ab ${family}`, length)).toBe('ab ...');
    expect(printable(`ab ${family}!`, 3 + family.length)).toBe(`ab ${family}...`);
  }
  // German flag, Danish flag; a letter with its accent apart.
  expect(printable('\u{1f1e9}\u{1f1ea}\u{1f1e9}\u{1f1f0}', 6)).toBe('\u{1f1e9}\u{1f1ea}...');
  expect(printable('cafe\u0301 noir', 4)).toBe('caf...');
  // Marks without end are cut all the same.
  expect(printable(`e${'\u0301'.repeat(99)}`, 5)).toBe(`e${'\u0301'.repeat(4)}...`);
  expect(printable(`\u{1f469}${'\u{1f3fd}'.repeat(99)}`, 3)).toBe('\u{1f469}...');
});

test('text of strangers is cut and keeps its accents, but none of its control characters', () => {
  expect(printable('a\u001b[2J\u009b\u007f\n\té…')).toBe('a\\x1b[2J\\x9b\\x7f\\x0a\\x09é…');
  expect(printable('abcdef', 3)).toBe('abc...');
  expect(printable('abc', 3)).toBe('abc');
  expect(printable('/a\u202egnp.\u2069\u2028\u200fz')).toBe('/a\\u{202e}gnp.\\u{2069}\\u{2028}\\u{200f}z');
  const answer = { segment: 'a\nb', 'k\n': ['long name', null, 7, { x: true }] };
  expect(printableTexts(answer, 7)).toEqual({ segment: 'a\\x0ab', 'k\\x0a': ['long na...', null, 7, { x: true }] });
  expect(printableLines('a\u0007\nb')).toBe('a\\x07\nb');
});
