import {
  CompressionType,
  compressionRegistry,
  Decimal,
  Dictionary,
  Field,
  Float64,
  Int32,
  List,
  makeData,
  Null,
  RecordBatchStreamWriter,
  Struct,
  Table,
  type Timestamp,
  TimestampMicrosecond,
  TimestampNanosecond,
  TimestampSecond,
  tableFromArrays,
  tableToIPC,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { AccessBatch } from '../../../streams/access-batch.ts';
import { AccessArrowWriter, concatBytes } from '../../../streams/codec/access-arrow-writer.ts';
import { Interner } from '../../../streams/interner.ts';
import { Operation } from '../../../streams/operation.ts';
import { arrowIpc } from '../../../streams/sources/arrow-ipc.ts';
import { decompressLz4Block, decompressLz4Frame } from '../../../streams/sources/lz4.ts';
import { parquet } from '../../../streams/sources/parquet.ts';
import { detectOf, type ReadOptions, type Row, readFileTrace, rowsOf } from './read-trace.ts';

const timestamps = (type: Timestamp, values: readonly bigint[]): Vector =>
  new Vector([makeData({ type, length: values.length, nullCount: 0, data: BigInt64Array.from(values) as never })]);

describe('arrow-ipc', () => {
  const table = new Table({
    timestamp: timestamps(new TimestampMicrosecond(), [
      1_431_857_103_000_250n,
      1_431_857_104_000_000n,
      1_431_857_105_000_000n,
    ]),
    url: vectorFromArray(['/a', '/b', '/a'], new Dictionary(new Utf8(), new Int32())),
    user: vectorFromArray(['u1', null, 'u2'], new Utf8()),
    method: vectorFromArray(['GET', 'PUT', 'DELETE'], new Utf8()),
    bytes: vectorFromArray([10n, null, 30n]),
  });
  const expected = [
    {
      timeMs: 1_431_857_103_000.25,
      segment: '/a',
      consumer: 'u1',
      site: null,
      op: Operation.read,
      size: 10,
      weight: 1,
    },
    { timeMs: 1_431_857_104_000, segment: '/b', consumer: null, site: null, op: Operation.write, size: -1, weight: 1 },
    { timeMs: 1_431_857_105_000, segment: '/a', consumer: 'u2', site: null, op: Operation.delete, size: 30, weight: 1 },
  ];

  const rows = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Row[]> =>
    rowsOf(await readFileTrace(arrowIpc, bytes, options));

  test.each(['stream', 'file'] as const)('reads a foreign %s by the names of its columns', async (layout) => {
    const bytes = tableToIPC(table, layout);
    expect(await rows(bytes)).toEqual(expected);
    expect(detectOf(arrowIpc, bytes)).toBeGreaterThan(0.9);
  });

  test.each([
    ['seconds', new TimestampSecond(), 1_431_857_103n, 1_431_857_103_000],
    ['nanoseconds', new TimestampNanosecond(), 1_431_857_103_000_250_000n, 1_431_857_103_000.25],
  ] as const)('times in %s become milliseconds', async (_, type, value, timeMs) => {
    const bytes = tableToIPC(new Table({ time: timestamps(type, [value]), key: vectorFromArray(['a'], new Utf8()) }));
    expect((await rows(bytes))[0]!.timeMs).toBe(timeMs);
  });

  test('numeric ids and times read like digits of a text log; the unit can be told', async () => {
    const bytes = tableToIPC(tableFromArrays({ t: Float64Array.of(5, 6), object: BigInt64Array.of(7n, 2n ** 62n) }));
    expect((await rows(bytes)).map((row) => [row.timeMs, row.segment])).toEqual([
      [5000, '7'],
      [6000, '4611686018427387904'],
    ]);
    expect((await rows(bytes, { timeUnit: 'ms', columns: { segment: '1' } }))[0]!.segment).toBe('5');
    await expect(rows(bytes, { columns: { segment: 'nope' } })).rejects.toThrow(/nope/);
  });

  test.each(['stream', 'file'] as const)(
    "reads the project's own batches back, with names that come as deltas, from a %s",
    async (layout) => {
      const [segments, consumers, sites] = [new Interner(), new Interner(), new Interner()];
      const writer = new AccessArrowWriter({ layout, names: { segments, consumers, sites } });
      const parts: Uint8Array[] = [];
      for (let i = 0; i < 5; i++) {
        const ids = [segments.internString(`s${i}`), segments.internString(`s${i >> 1}`)];
        const batch = new AccessBatch(i * 2, {
          timeMs: Float64Array.of(i, i + 0.5),
          segment: Uint32Array.from(ids),
          consumer: Int32Array.of(consumers.internString(`c${i % 2}`), -1),
          site: Int32Array.of(-1, -1),
          op: Uint8Array.of(0, 1),
          size: Float64Array.of(-1, 9),
          weight: Float64Array.of(1, 4),
        });
        for (const bytes of writer.write(batch)) parts.push(bytes.slice());
      }
      parts.push(...writer.end());
      const found = await rows(concatBytes(parts));
      expect(found.map((row) => row.segment)).toEqual(['s0', 's0', 's1', 's0', 's2', 's1', 's3', 's1', 's4', 's2']);
      expect(found.map((row) => row.timeMs)).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]);
      expect(found[3]).toEqual({ timeMs: 1.5, segment: 's0', consumer: null, site: null, op: 1, size: 9, weight: 4 });
    },
  );

  test('says where a stream or a file is cut', async () => {
    for (const layout of ['stream', 'file'] as const) {
      const bytes = tableToIPC(table, layout);
      const cut = bytes.subarray(0, layout === 'stream' ? bytes.length - 40 : bytes.length - 3);
      const refusal = await rows(cut).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ context: { byte: expect.any(Number) } });
    }
  });

  test('a file that was cut after its batches is read as far as it goes', async () => {
    const names = { segments: new Interner(), consumers: new Interner(), sites: new Interner() };
    const batch = new AccessBatch(0, {
      timeMs: Float64Array.of(1),
      segment: Uint32Array.of(names.segments.internString('only')),
      consumer: Int32Array.of(-1),
      site: Int32Array.of(-1),
      op: Uint8Array.of(0),
      size: Float64Array.of(-1),
      weight: Float64Array.of(1),
    });
    const writer = new AccessArrowWriter({ layout: 'file', names });
    const start = writer.write(batch).map((bytes) => bytes.slice());
    expect((await rows(concatBytes(start))).map((row) => row.segment)).toEqual(['only']);
  });

  test('refuses a row without a segment, and a table without a column for it', async () => {
    const holed = tableToIPC(new Table({ key: vectorFromArray(['a', null, 'b'], new Utf8()) }));
    await expect(rows(holed)).rejects.toThrow(/trace:2:1.*segment/);
    expect(await rows(holed, { isLenient: true })).toHaveLength(2);
    await expect(rows(tableToIPC(tableFromArrays({ x: [1], y: [2] })))).rejects.toThrow(/x, y/);
  });

  test('columns of nulls, structs and lists whose names are known do not make a file unreadable', async () => {
    const user = new Struct([new Field('id', new Utf8())]);
    const bytes = tableToIPC(
      new Table({
        key: vectorFromArray(['a', 'b'], new Utf8()),
        user: vectorFromArray([{ id: 'x' }, { id: 'y' }], user),
        country: vectorFromArray([['de'], ['fr']], new List(new Field('item', new Utf8()))),
        size: vectorFromArray([null, null], new Null()),
      }),
    );
    expect((await rows(bytes)).map((row) => [row.segment, row.consumer, row.site, row.size])).toEqual([
      ['a', null, null, -1],
      ['b', null, null, -1],
    ]);
    const nested = tableToIPC(new Table({ time: vectorFromArray([1]), request: vectorFromArray([{ id: 'x' }], user) }));
    await expect(rows(nested)).rejects.toThrow(/columns are: time, \(nested\)/);
  });

  test('a size that a data frame left NaN is unknown, as in a text log', async () => {
    const bytes = tableToIPC(tableFromArrays({ key: ['a', 'b'], size: Float64Array.of(Number.NaN, 7) }));
    expect((await rows(bytes)).map((row) => row.size)).toEqual([-1, 7]);
  });

  test('decimals are numbers: whole ones are exact ids, others are scaled', async () => {
    const decimals = (scale: number, values: readonly bigint[]): Vector => {
      const words = new BigUint64Array(
        values.flatMap((value) => [BigInt.asUintN(64, value), value < 0n ? 2n ** 64n - 1n : 0n]),
      );
      return new Vector([
        makeData({ type: new Decimal(scale, 38, 128), length: values.length, data: new Uint32Array(words.buffer) }),
      ]);
    };
    const bytes = tableToIPC(
      new Table({
        time: decimals(3, [1500n, 2250n]),
        key: decimals(0, [2n ** 62n + 1n, -7n]),
        size: decimals(-2, [3n, 0n]),
      }),
    );
    expect((await rows(bytes)).map((row) => [row.timeMs, row.segment, row.size])).toEqual([
      [1500, '4611686018427387905', 300],
      [2250, '-7', 0],
    ]);
  });

  test('a whole decimal with zeros behind its point was rounded to another id', async () => {
    const scaled = 1_690_791_876_243n * 10n ** 9n;
    const words = new BigUint64Array([BigInt.asUintN(64, scaled), scaled >> 64n]);
    const key = new Vector([
      makeData({ type: new Decimal(9, 38, 128), length: 1, data: new Uint32Array(words.buffer) }),
    ]);
    const bytes = tableToIPC(new Table({ time: vectorFromArray([1], new Float64()), key }));
    expect((await rows(bytes)).map((row) => row.segment)).toEqual(['1690791876243']);
  });

  test('reads record batches that are compressed with LZ4', async () => {
    const codec = compressionRegistry.get(CompressionType.LZ4_FRAME);
    compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: storedLz4Frame, decode: decompressLz4Frame });
    const writer = new RecordBatchStreamWriter({ compressionType: CompressionType.LZ4_FRAME });
    const bytes = writer.writeAll(table.batches).toUint8Array(true);
    if (codec !== null) compressionRegistry.set(CompressionType.LZ4_FRAME, codec);
    expect(await rows(bytes)).toEqual(expected);
  });
});

describe('parquet', () => {
  const write = (codec?: 'SNAPPY' | 'UNCOMPRESSED'): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          {
            name: 'time',
            data: [1431857103000, 1431857104000, 1431857105000].map((ms) => new Date(ms)),
            type: 'TIMESTAMP',
          },
          { name: 'path', data: ['/a', '/b', '/a'], type: 'STRING' },
          { name: 'client_id', data: [7, null, 9], type: 'INT32', nullable: true },
          { name: 'size', data: [10n, 20n, 30n], type: 'INT64' },
          { name: 'ignored', data: [1.5, 2.5, 3.5], type: 'DOUBLE' },
        ],
        rowGroupSize: 2,
        ...(codec === undefined ? {} : { codec }),
      }),
    );
  const expected = [
    { timeMs: 1431857103000, segment: '/a', consumer: '7', site: null, op: 0, size: 10, weight: 1 },
    { timeMs: 1431857104000, segment: '/b', consumer: null, site: null, op: 0, size: 20, weight: 1 },
    { timeMs: 1431857105000, segment: '/a', consumer: '9', site: null, op: 0, size: 30, weight: 1 },
  ];

  test.each(['SNAPPY', 'UNCOMPRESSED'] as const)(
    'reads row groups of %s pages by the names of their columns',
    async (codec) => {
      expect(rowsOf(await readFileTrace(parquet, write(codec)))).toEqual(expected);
      expect(detectOf(parquet, write(codec))).toBe(1);
    },
  );

  test('columns can be chosen by name or number, and what is not there is refused', async () => {
    const trace = await readFileTrace(parquet, write(), {
      columns: { segment: 'client_id', consumer: '2' },
      isLenient: true,
    });
    expect(rowsOf(trace).map((row) => [row.segment, row.consumer])).toEqual([
      ['7', '/a'],
      ['9', '/a'],
    ]);
    expect(trace.summary.rejections[0]).toMatch(/trace:2:3/);
    await expect(readFileTrace(parquet, write(), { columns: { segment: 'nope' } })).rejects.toThrow(/nope/);
    await expect(readFileTrace(parquet, write(), { delimiter: ',' })).rejects.toThrow(/delimiter/);
  });

  test('numeric and text times are understood as in text logs', async () => {
    const bytes = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 't_ms', data: [5n, 6n], type: 'INT64' },
          { name: 'key', data: ['a', 'b'], type: 'STRING' },
          { name: 'datetime', data: ['2015-05-17T10:05:03.5Z', '2015-05-17T10:05:04Z'], type: 'STRING' },
        ],
      }),
    );
    expect(rowsOf(await readFileTrace(parquet, bytes)).map((row) => row.timeMs)).toEqual([5, 6]);
    const byDate = rowsOf(await readFileTrace(parquet, bytes, { columns: { time: 'datetime' } }));
    expect(byDate.map((row) => row.timeMs)).toEqual([
      Date.UTC(2015, 4, 17, 10, 5, 3, 500),
      Date.UTC(2015, 4, 17, 10, 5, 4),
    ]);
  });

  test.each([
    ['TIME_MILLIS', 'INT32', [36_000_000, 36_000_500]],
    ['TIME_MICROS', 'INT64', [36_000_000_000n, 36_000_500_000n]],
  ] as const)('times of day in %s are not taken for seconds', async (converted, type, data) => {
    const bytes = new Uint8Array(
      parquetWriteBuffer({
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'time', type, converted_type: converted, repetition_type: 'REQUIRED' },
          { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        ],
        columnData: [
          { name: 'time', data: [...data] },
          { name: 'key', data: ['a', 'b'] },
        ],
      }),
    );
    expect(rowsOf(await readFileTrace(parquet, bytes)).map((row) => row.timeMs)).toEqual([36_000_000, 36_000_500]);
  });

  test('a cut file is truncated', async () => {
    const bytes = write();
    await expect(readFileTrace(parquet, bytes.subarray(0, bytes.length - 3))).rejects.toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  });
});

describe('lz4', () => {
  test('a match may overlap what it writes', () => {
    // Token 0x1f: one literal, a match of 15 + 4 + 1 = 20 at distance 1; then five literals, as a block must end in.
    const block = Uint8Array.of(0x1f, 0x61, 1, 0, 1, 0x50, 0x62, 0x62, 0x62, 0x62, 0x62);
    const output = new Uint8Array(26);
    expect(decompressLz4Block(block, output, 0)).toBe(26);
    expect(new TextDecoder().decode(output)).toBe(`${'a'.repeat(21)}bbbbb`);
  });

  test('damage is refused, not overrun', () => {
    const output = new Uint8Array(8);
    expect(() => decompressLz4Block(Uint8Array.of(0xf0, 0xff), output, 0)).toThrow(/literal/);
    expect(() => decompressLz4Block(Uint8Array.of(0x10, 0x61, 9, 0), output, 0)).toThrow(/match/);
    expect(() => decompressLz4Frame(storedLz4Frame(Uint8Array.of(1, 2, 3)).subarray(0, 9))).toThrow(/cut/);
  });
});

/** An LZ4 frame whose only block is stored as it is. The header checksum, which nothing here verifies, is left 0. */
function storedLz4Frame(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(7 + 4 + data.length + 4);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0x184d2204, true);
  frame[4] = 0x60;
  frame[5] = 0x40;
  view.setUint32(7, (data.length | 0x80000000) >>> 0, true);
  frame.set(data, 11);
  return frame;
}
