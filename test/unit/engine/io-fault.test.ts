/** Faults of files are told in the same words wherever they happen. */

import { afterEach, expect, test, vi } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { ioFault } from '../../../engine/host/io-fault.ts';
import { spool } from '../../../engine/host/source-file.ts';
import { printable, printableLines } from '../../../engine/printable.ts';

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

test('a name with a mark of direction turned the rest of a line around in a terminal', () => {
  expect(printable('/a\u202egnp.b: 3 misses')).toBe('/a\\x202egnp.b: 3 misses');
  expect(printable('\u2067x\u2069 שלום')).toBe('\\x2067x\\x2069 שלום');
});

test('text of strangers is cut and keeps its accents, but none of its control characters', () => {
  expect(printable('a\u001b[2J\u009b\u007f\n\té…')).toBe('a\\x1b[2J\\x9b\\x7f\\x0a\\x09é…');
  expect(printable('abcdef', 3)).toBe('abc...');
  expect(printableLines('a\u0007\nb')).toBe('a\\x07\nb');
});
