import { Dictionary, Int32, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import type { FileFormat } from '../../../streams/format.ts';
import { arrowIpc } from '../../../streams/sources/arrow-ipc.ts';
import { checkArrowMessage } from '../../../streams/sources/flatbuffer-check.ts';
import { parquet } from '../../../streams/sources/parquet.ts';
import { checkDeltaLengths, checkDeltas, checkRuns } from '../../../streams/sources/parquet-encodings.ts';
import { ThriftReader } from '../../../streams/sources/thrift-compact.ts';
import { readFileTrace } from './read-trace.ts';

const names = Array.from({ length: 60 }, (_, i) => `object-${(i * 7) % 23}`);
const times = names.map((_, i) => i * 5);
const table = new Table({
  key: vectorFromArray(names, new Dictionary(new Utf8(), new Int32())),
  user: vectorFromArray(names, new Utf8()),
  t: vectorFromArray(times),
});

type Encoding = 'PLAIN' | 'RLE_DICTIONARY' | 'DELTA_BYTE_ARRAY' | 'DELTA_LENGTH_BYTE_ARRAY';

function parquetOf(
  text: Encoding,
  number: 'PLAIN' | 'DELTA_BINARY_PACKED',
  codec: 'SNAPPY' | 'UNCOMPRESSED',
): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      codec,
      rowGroupSize: 40,
      columnData: [
        { name: 'key', data: names, type: 'STRING', encoding: text },
        { name: 't', data: times, type: 'INT32', encoding: number },
        {
          name: 'size',
          data: times.map((t) => (t % 3 === 0 ? null : BigInt(t))),
          type: 'INT64',
          nullable: true,
          encoding: number,
        },
      ],
    }),
  );
}

const inputs: readonly (readonly [string, FileFormat, Uint8Array])[] = [
  ['an Arrow stream', arrowIpc, tableToIPC(table, 'stream')],
  ['an Arrow file', arrowIpc, tableToIPC(table, 'file')],
  ['a plain Parquet file', parquet, parquetOf('PLAIN', 'PLAIN', 'UNCOMPRESSED')],
  ['a Parquet file with dictionaries', parquet, parquetOf('RLE_DICTIONARY', 'PLAIN', 'SNAPPY')],
  ['a Parquet file of deltas', parquet, parquetOf('DELTA_BYTE_ARRAY', 'DELTA_BINARY_PACKED', 'UNCOMPRESSED')],
  ['a Parquet file of packed deltas', parquet, parquetOf('DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BINARY_PACKED', 'SNAPPY')],
];

/** What any reader may make of a damaged file: a bound that only the length of the file sets. */
const rowsMaxOf = (bytes: Uint8Array): number => 2 ** 16 + 1024 * bytes.length;

const change = fc.tuple(
  fc.nat(),
  fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff)),
);

describe('damaged columnar files', () => {
  test.each(inputs)('%s with bytes changed gives rows, or one error that says where', async (_, format, bytes) => {
    expect((await readFileTrace(format, bytes)).summary.accessCount).toBe(names.length);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.boolean(), async (changes, isLenient) => {
        const damaged = bytes.slice();
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        try {
          const { summary } = await readFileTrace(format, damaged, { isLenient });
          expect(summary.accessCount + summary.rejectedCount).toBeLessThanOrEqual(rowsMaxOf(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(AnteroomError);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each(inputs)('%s with any other byte at its highest gives rows, or one error', async (_, format, bytes) => {
    for (let at = 0; at < bytes.length; at += 2) {
      const damaged = bytes.slice();
      damaged[at] = 0xff;
      const fault = await readFileTrace(format, damaged).then(
        () => null,
        (error: unknown) => error,
      );
      if (fault !== null) expect(fault).toBeInstanceOf(AnteroomError);
    }
  });
});

describe('checks of Parquet encodings', () => {
  test('a run longer than what is left of the page is refused, and so is one of nothing', () => {
    expect(() => checkRuns(Uint8Array.of(20, 1), 1, 10)).not.toThrow();
    expect(() => checkRuns(Uint8Array.of(22, 1), 1, 10)).toThrow(/11 values where 10/);
    expect(() => checkRuns(Uint8Array.of(0, 1), 1, 10)).toThrow(/0 values/);
    expect(() => checkRuns(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 0, 10)).toThrow(/values where 10/);
  });

  test('blocks of deltas of no size, or that would be read backwards, are refused', () => {
    // blocks of 128 in 4 parts, 1 value, the first 5
    expect(() => checkDeltas(Uint8Array.of(0x80, 0x01, 4, 1, 10), 1)).not.toThrow();
    expect(() => checkDeltas(Uint8Array.of(0, 4, 1, 10), 1)).toThrow(/blocks of 0 deltas/);
    expect(() => checkDeltas(Uint8Array.of(0x80, 0x01, 0, 1, 10), 1)).toThrow(/in 0 parts/);
    expect(() => checkDeltas(Uint8Array.of(0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 10), 1)).toThrow(/parts/);
  });

  test('a value that repeats more than the one before holds is refused', () => {
    const one = (value: number): number[] => [0x80, 0x01, 4, 1, value * 2];
    expect(() => checkDeltaLengths(Uint8Array.from([...one(0), ...one(3)]), 1, true, 100)).not.toThrow();
    expect(() => checkDeltaLengths(Uint8Array.from([...one(7), ...one(3)]), 1, true, 100)).toThrow(/7 and 3 bytes/);
    expect(() => checkDeltaLengths(Uint8Array.from(one(60)), 1, false, 50)).toThrow(/more than 50 bytes/);
  });

  test('metadata may not claim more items than it has bytes, nor numbers without an end, nor nest on and on', () => {
    const struct = (...bytes: number[]) => new ThriftReader(Uint8Array.from(bytes)).struct();
    expect(struct(0x15, 6, 0)).toEqual(new Map([[1, 3]]));
    expect(() => struct(0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0)).toThrow(/are left/);
    expect(() => struct(0x15, ...Array<number>(11).fill(0xff), 0)).toThrow(/more than 10 bytes/);
    expect(() => struct(...Array<number>(60).fill(0x1c))).toThrow(/deep/);
  });
});

describe('check of Arrow metadata', () => {
  test('a vector that claims more items than there are bytes is refused before anybody walks through it', () => {
    const stream = tableToIPC(table, 'stream');
    const view = new DataView(stream.buffer, stream.byteOffset);
    const metadata = stream.slice(8, 8 + view.getUint32(4, true));
    expect(() => checkArrowMessage(metadata)).not.toThrow();
    let refusedCount = 0;
    for (let at = 0; at + 4 <= metadata.length; at += 4) {
      const damaged = metadata.slice();
      new DataView(damaged.buffer).setUint32(at, 0x7ffffff0, true);
      try {
        checkArrowMessage(damaged);
      } catch {
        refusedCount++;
      }
    }
    expect(refusedCount).toBeGreaterThan(metadata.length / 16);
  });
});
