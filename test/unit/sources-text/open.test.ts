import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { memoryByteSource, openByteSource, spool } from '../../../engine/host/source-file.ts';
import type { Format } from '../../../streams/format.ts';
import { detectFormat } from '../../../streams/sources/auto-detect.ts';
import { csv } from '../../../streams/sources/delimited.ts';
import { formats, type OpenOptions, openSource } from '../../../streams/sources/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytesOf = (text: string) => new TextEncoder().encode(text);
const lineCount = 30_000;
const text = `time,key,size\n${Array.from({ length: lineCount }, (_, i) => `${i + 1},object-${(i * 7919) % 1000},${i}\n`).join('')}`;

/** A Zstandard frame of raw blocks (RFC 8878, 3.1.1): no compression, so it can be laid out by hand. */
function zstdOf(content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38)]; // no content size; window 128 KiB
  for (let at = 0; at < content.length || at === 0; at += 100_000) {
    const block = content.subarray(at, at + 100_000);
    const isLast = at + 100_000 >= content.length;
    const header = (block.length << 3) | (isLast ? 1 : 0);
    parts.push(Uint8Array.of(header & 255, (header >> 8) & 255, header >> 16), block);
  }
  return Buffer.concat(parts);
}

async function read(input: string | Uint8Array, options: OpenOptions = {}) {
  const source = await openSource(input, options);
  let rowCount = 0;
  let sizeSum = 0;
  let error: AnteroomError | null = null;
  try {
    for await (const batch of source.batches) {
      rowCount += batch.length;
      for (const size of batch.size) sizeSum += size;
    }
  } catch (caught) {
    if (!(caught instanceof AnteroomError)) throw caught;
    error = caught;
  }
  return { source, rowCount, sizeSum, error, summary: source.summary() };
}

async function refusal(input: string | Uint8Array, options: OpenOptions = {}): Promise<AnteroomError> {
  try {
    await openSource(input, options);
  } catch (error) {
    if (error instanceof AnteroomError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

const sizeSum = (lineCount * (lineCount - 1)) / 2;

describe('an opened source', () => {
  const half = text.indexOf('\n', text.length / 2) + 1;
  test.each<[string, string, Uint8Array]>([
    ['plain', 'none', bytesOf(text)],
    ['gzip', 'gzip', gzipSync(text)],
    [
      'gzip of several members',
      'gzip',
      Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(''), gzipSync(text.slice(half))]),
    ],
    ['Zstandard', 'zstd', zstdOf(bytesOf(text))],
    [
      'Zstandard of several frames, one to be skipped',
      'zstd',
      Buffer.concat([
        Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3),
        zstdOf(bytesOf(text.slice(0, half))),
        zstdOf(bytesOf(text.slice(half))),
      ]),
    ],
  ])('reads %s, from bytes and from a file whose name says nothing', async (_, compression, bytes) => {
    const path = join(folder, 'some.log');
    writeFileSync(path, bytes);
    for (const input of [path, bytes]) {
      const { source, rowCount, sizeSum: sum, error } = await read(input);
      expect([error, source.format, source.compression, rowCount, sum]).toEqual([
        null,
        'csv',
        compression,
        lineCount,
        sizeSum,
      ]);
      expect(source.names.segments.count).toBe(1000);
      expect(source.progress()).toEqual({ bytesRead: bytes.length, bytesTotal: bytes.length });
      expect(source.addressBytes).toBe(null);
    }
  });

  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync(text)],
    ['zstd', zstdOf(bytesOf(text))],
  ])('says that %s is truncated, after giving out all whole records before', async (compression, bytes) => {
    const cut = bytes.subarray(0, Math.floor(bytes.length * 0.9));
    const strict = await read(cut);
    expect(strict.error?.code).toBe('truncated');
    expect(strict.error?.message).toBe(
      `<bytes>: byte ${cut.length}: expected the rest of the ${compression} stream, found the end of the input`,
    );
    const lenient = await read(cut, { lenient: true, rowsMax: 1000 });
    expect(lenient.error).toBe(null);
    expect(lenient.rowCount).toBeGreaterThan(lineCount * 0.5);
    expect(lenient.sizeSum).toBe((lenient.rowCount * (lenient.rowCount - 1)) / 2);
    expect(lenient.summary.rejectedCount).toBe(1);
  });

  test('says so when nothing at all can be decompressed', async () => {
    expect(await refusal(gzipSync(text).subarray(0, 12))).toMatchObject({ code: 'truncated' });
    // Cut so early that what came out says nothing of its format.
    const short = gzipSync('t,object\n1,a\n2,b\n');
    for (let length = 11; length < short.length - 8; length++) {
      const error = await read(short.subarray(0, length)).then(
        (result) => result.error,
        (refused) => refused,
      );
      expect(error).toMatchObject({ code: 'truncated' });
    }
    expect(await refusal(zstdOf(bytesOf(text)).subarray(0, 5))).toMatchObject({ code: 'truncated' });
    expect(await refusal(Uint8Array.of(0x1f, 0x8b, 0x08, 0xff, 1, 2, 3, 4, 5, 6, 7, 8))).toMatchObject({
      code: 'bad-record',
    });
  });

  test('says where the last record of a plain text is cut', async () => {
    const { error } = await read(bytesOf(text.slice(0, -9)));
    expect(error?.code).toBe('truncated');
    expect(error?.context).toMatchObject({ file: '<bytes>', line: lineCount + 1 });
  });

  test('says that compressed data is corrupt', async () => {
    const bytes = Uint8Array.from(gzipSync(text));
    bytes[bytes.length - 6]! ^= 0xff; // in the checksum
    const { error, summary } = await read(bytes);
    expect(error?.code).toBe('bad-record');
    expect(error?.message).toMatch(/expected gzip data, found incorrect data check/);
    expect(summary.accessCount).toBeGreaterThan(lineCount / 2);
  });

  test('stops at the limit, having looked at nothing after it', async () => {
    const bad = `time,key,size\n1,a,1\n2,b,2\n3,c,x\n`;
    const { rowCount, error, source, summary } = await read(bytesOf(bad), { limit: 2 });
    expect([rowCount, error, source.names.segments.count, summary.accessCount]).toEqual([2, null, 2, 2]);
    expect((await read(bytesOf(bad), { limit: 0 })).rowCount).toBe(0);
    expect((await read(bytesOf(bad), { limit: 3 })).error?.code).toBe('bad-record');
  });

  test('gives batches of the size that is asked for, in order', async () => {
    const source = await openSource(bytesOf(text), { rowsMax: 7000 });
    const lengths: number[] = [];
    let position = 0;
    for await (const batch of source.batches) {
      expect(batch.position).toBe(position);
      position += batch.length;
      lengths.push(batch.length);
    }
    expect(lengths).toEqual([7000, 7000, 7000, 7000, 2000]);
  });

  test('can be left early and closed twice', async () => {
    const path = join(folder, 'early.csv');
    writeFileSync(path, text);
    const source = await openSource(path, { rowsMax: 10 });
    for await (const batch of source.batches) {
      expect(batch.length).toBe(10);
      break;
    }
    await source.close();
    await source.close();
  });

  test('refuses what it cannot read, with a code and the way out', async () => {
    expect(await refusal(join(folder, 'absent'))).toMatchObject({ code: 'not-found' });
    expect(await refusal(folder)).toMatchObject({ code: 'io' });
    expect((await refusal(bytesOf('key\na\n'), { format: 'cvs' })).message).toMatch(
      /^no format cvs; there are: auto, csv, tsv/,
    );
    expect(await refusal(Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 0x31))).toMatchObject({ code: 'unsupported' });
    // A Parquet file with a delimiter was read as text, its bytes as names.
    const table = bytesOf('PAR1\u0000\u0001, and binary\n\u0002\nPAR1');
    for (const options of [{ delimiter: ';' }, { hasHeader: false }]) {
      const { error } = await read(table, options);
      expect(error).toMatchObject({ code: 'bad-usage', message: expect.stringContaining('parquet has no use for') });
    }
    const unknown = await refusal(bytesOf('Dear Sir,\n\nI write to you.\n'));
    expect(unknown.code).toBe('unknown-format');
    expect(unknown.message).toMatch(/say which with --format/);
    expect((await refusal(new Uint8Array(0))).message).toMatch(/^<bytes> is empty/);
    expect(await refusal(bytesOf('1 2\n'), { format: 'clf', columns: { segment: '1' } })).toMatchObject({
      code: 'bad-usage',
    });
  });

  test('says what an unrecognised log looks like, so that its columns can be named', async () => {
    const headless = await refusal(bytesOf('1772524801.626\t10.1.16.50\t/p/0\t6792\n'));
    expect(headless.message).toMatch(/--columns time=1,segment=3.*1=1772524801.626, 2=10.1.16.50, 3=\/p\/0, 4=6792$/);
    const balancer =
      'https 2026-03-03T08:00:01.626185Z app/lb 10.1.16.50:2817 10.0.0.1:80 0.086 200 6792 "GET https://h:443/p HTTP/1.1" "waf,forward" x\n';
    expect((await refusal(bytesOf(balancer))).message).toMatch(/4=10.1.16.50:2817, .* 9=GET https:\/\/h:443\/p HTTP/);
    const named = await openSource(bytesOf(balancer), { columns: { time: '2', segment: '9', size: '8' } });
    for await (const batch of named.batches) expect(batch.size[0]).toBe(6792);
    expect(named.names.segments.nameOf(0)).toBe('https://h:443/p');
    expect((await refusal(Uint8Array.of(0xff, 0xfe, 0x6b, 0, 0x65, 0, 0x79, 0, 10, 0))).message).toMatch(
      /UTF-16.*iconv/,
    );
    expect((await refusal(bytesOf('[\n  {"key":"a"},\n  {"key":"b"}\n]\n'))).message).toMatch(/JSON array.*jq -c/);
  });

  test('a log whose lines end with a carriage return alone was unrecognised, without a word why', async () => {
    expect((await refusal(bytesOf('time,key\r1,a\r2,b\r'))).message).toMatch(/carriage return alone: tr /);
    expect((await refusal(bytesOf('one line\r'))).message).not.toMatch(/carriage return/);
    expect((await refusal(Uint8Array.of(1, 13, 2, 13, 3))).message).not.toMatch(/carriage return/);
  });

  test('takes options on columns as saying that the text has columns', async () => {
    expect((await read(bytesOf('5,a\n6,b\n'), { columns: { segment: '2' } })).source.format).toBe('csv');
    expect((await read(bytesOf('{"a":{"b":1}}\n'), { columns: { segment: 'a.b' } })).source.format).toBe('ndjson');
    expect((await read(bytesOf('5;a\n'), { delimiter: ';' })).rowCount).toBe(1);
  });
});

describe('a format that needs random access', () => {
  test('is read from a file, from bytes, and spooled from behind a compression', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `object-${i % 100}`);
    const sizes = Int32Array.from({ length: 1000 }, (_, i) => i);
    const bytes = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'key', data: keys, type: 'STRING' },
          { name: 'size', data: sizes, type: 'INT32' },
        ],
      }),
    );
    const path = join(folder, 'some.parquet');
    writeFileSync(path, bytes);
    for (const input of [bytes, path, gzipSync(bytes), zstdOf(bytes)]) {
      const { source, rowCount, sizeSum: sum, error } = await read(input);
      expect([error, source.format, rowCount, sum, source.names.segments.count]).toEqual([
        null,
        'parquet',
        1000,
        499_500,
        100,
      ]);
      expect(source.progress().bytesRead).toBe(source.progress().bytesTotal);
    }
    expect((await read(path, { limit: 10 })).rowCount).toBe(10);
    const swapped = await read(path, { columns: { segment: 'size' } });
    expect([swapped.source.format, swapped.source.names.segments.count]).toEqual(['parquet', 1000]);
    expect((await read(gzipSync(bytes).subarray(0, 300), { format: 'parquet' })).error?.code).toBe('truncated');
  });
});

describe('the format of a content', () => {
  const sure = (name: string, sureness: number): Format => ({ ...csv, name, detect: () => sureness });

  test('is the one that is the surest, and at least half sure', () => {
    const found = detectFormat([sure('a', 0.6), sure('b', 0.9), sure('c', 0.2)], bytesOf('x'), true, 'f');
    expect(found.name).toBe('b');
    expect(() => detectFormat([sure('a', 0.4), sure('c', 0.2)], bytesOf('x'), true, 'f')).toThrow(/best guesses: a, c/);
  });

  test('is not guessed between two that are equally sure', () => {
    expect(() => detectFormat([sure('a', 0.9), sure('b', 0.9), sure('c', 0.6)], bytesOf('x'), true, 'f')).toThrow(
      /fits more than one format \(best guesses: a, b\)/,
    );
  });

  test('is looked for without a fault in any bytes', () => {
    let state = 1;
    for (let length = 0; length < 400; length++) {
      const head = Uint8Array.from({ length }, () => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return state >>> 24;
      });
      for (const format of formats)
        for (const isWhole of [true, false]) {
          const sureness = format.detect(head, isWhole);
          expect(sureness >= 0 && sureness <= 1).toBe(true);
        }
    }
  });

  test('has a name that no other format has', () => {
    const names = formats.map((format) => format.name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});

describe('a spooled input', () => {
  test('is read anywhere, and leaves nothing behind', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('anteroom-')).length;
    const spooled = await spool(memoryByteSource(bytesOf(text)).chunks(), 'x');
    expect(spooled.byteLength).toBe(text.length);
    expect(new TextDecoder().decode(await spooled.read!(5, 13))).toBe(text.slice(5, 13));
    await spooled.close();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('anteroom-')).length).toBeLessThanOrEqual(before);
  });

  test('a file is read anywhere, up to its end', async () => {
    const path = join(folder, 'anywhere');
    writeFileSync(path, 'abcdef');
    const file = await openByteSource(path);
    expect(new TextDecoder().decode(await file.read!(4, 100))).toBe('ef');
    await file.close();
  });
});
