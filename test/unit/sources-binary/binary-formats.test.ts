import { describe, expect, test } from 'vitest';
import { Operation } from '../../../streams/operation.ts';
import { cache2k } from '../../../streams/sources/cache2k.ts';
import { oracleGeneral } from '../../../streams/sources/oracle-general.ts';
import { vscsi } from '../../../streams/sources/vscsi.ts';
import { bigEndianInts, oracleBytes, vscsi1Bytes, vscsi2Bytes } from './binary-records.ts';
import { detectOf, readTrace, rows } from './read-trace.ts';

const oracle = oracleBytes([
  { time: 7, id: 0xfedcba9876543210n, size: 4096, next: 3n },
  { time: 8, id: 5n, size: 512, next: -1n },
  { time: 9, id: 0xfedcba9876543210n, size: 4096, next: -1n },
]);

describe('oracle-general', () => {
  test('reads time, id and size, and keeps all 64 bits of an id', () => {
    expect(rows(oracleGeneral, oracle)).toEqual([
      { timeMs: 7000, segment: '18364758544493064720', consumer: null, site: null, op: 0, size: 4096, weight: 1 },
      { timeMs: 8000, segment: '5', consumer: null, site: null, op: 0, size: 512, weight: 1 },
      { timeMs: 9000, segment: '18364758544493064720', consumer: null, site: null, op: 0, size: 4096, weight: 1 },
    ]);
  });

  test('refuses a next request below -1 at its byte offset', () => {
    const bytes = oracleBytes([
      { time: 1, id: 1n, size: 1, next: -1n },
      { time: 1, id: 2n, size: 1, next: -7n },
      { time: 1, id: 3n, size: 1, next: -1n },
    ]);
    expect(() => readTrace(oracleGeneral, bytes)).toThrow(/byte 24.*-7/);
    const lenient = readTrace(oracleGeneral, bytes, { isLenient: true });
    expect(lenient.summary.rejectedCount).toBe(1);
    expect(lenient.summary.accessCount).toBe(2);
  });

  test('a short file that was cut inside a record is told all the same', () => {
    expect(detectOf(oracleGeneral, oracle.subarray(0, 50))).toBeGreaterThan(0.5);
    expect(detectOf(oracleGeneral, oracle.subarray(0, 30))).toBe(0);
    expect(detectOf(vscsi, vscsi1Bytes(commands).subarray(0, 70))).toBeGreaterThan(0.5);
    expect(detectOf(vscsi, vscsi1Bytes(commands).subarray(0, 40))).toBe(0);
  });

  test('says that a file which ends inside a record is truncated, and where', () => {
    expect(() => readTrace(oracleGeneral, oracle.subarray(0, 50))).toThrow(
      expect.objectContaining({ code: 'truncated', context: expect.objectContaining({ byte: 48 }) }),
    );
    expect(readTrace(oracleGeneral, oracle.subarray(0, 50), { isLenient: true }).summary.accessCount).toBe(2);
  });

  test('is recognised by next requests that hold true, and not where one names another object', () => {
    expect(detectOf(oracleGeneral, oracle)).toBeGreaterThan(0.9);
    const lying = oracle.slice();
    lying[4] = 0xff; // the id of the first record, whose next request is the third
    expect(detectOf(oracleGeneral, lying)).toBe(0);
  });

  test('refuses options that its layout leaves no room for', () => {
    expect(() => oracleGeneral.decoder({ timeUnit: 'ms' })).toThrow(/timeUnit/);
  });
});

const commands = [
  { command: 0x28, length: 4096, lbn: 42932745n, microseconds: 5_633_898_925_602n },
  { command: 0x8a, length: 512, lbn: 5_000_000_000n, microseconds: 5_633_898_925_700n },
  { command: 0x42, length: 0, lbn: 7n, microseconds: 5_633_898_925_800n },
  { command: 0x00, length: 0, lbn: 0n, microseconds: 5_633_898_925_900n },
];

describe('vscsi', () => {
  test.each([
    ['v1', vscsi1Bytes(commands)],
    ['v2', vscsi2Bytes(commands)],
  ])('reads %s: sectors, bytes, operations and microseconds', (_, bytes) => {
    const found = rows(vscsi, bytes);
    expect(found.map((row) => row.segment)).toEqual(['42932745', '5000000000', '7', '0']);
    expect(found.map((row) => row.op)).toEqual([Operation.read, Operation.write, Operation.delete, Operation.other]);
    expect(found.map((row) => row.size)).toEqual([4096, 512, 0, 0]);
    expect(found[0]!.timeMs).toBe(5_633_898_925.602);
    expect(found[1]!.timeMs - found[0]!.timeMs).toBeCloseTo(0.098, 5);
    expect(vscsi.addressBytes).toBe(512);
  });

  test('reads a single record, which is shorter than what tells the versions apart', () => {
    expect(rows(vscsi, vscsi1Bytes(commands.slice(0, 1)))).toHaveLength(1);
    expect(rows(vscsi, vscsi2Bytes(commands.slice(0, 1)))).toHaveLength(1);
  });

  test('refuses a record that states another version, and reads on', () => {
    const bytes = vscsi2Bytes([commands[0]!, commands[1]!, { ...commands[2]!, version: 9 }, commands[3]!]);
    expect(() => readTrace(vscsi, bytes)).toThrow(/byte 83.*version 2.*9/);
    const { summary } = readTrace(vscsi, bytes, { isLenient: true });
    expect([summary.accessCount, summary.rejectedCount]).toEqual([3, 1]);
  });

  test('refuses a time that no access may have, and reads on', () => {
    const bytes = vscsi2Bytes([commands[0]!, { ...commands[1]!, microseconds: 2n ** 64n - 1n }, commands[2]!]);
    const { summary } = readTrace(vscsi, bytes, { isLenient: true });
    expect([summary.accessCount, summary.rejectedCount]).toEqual([2, 1]);
    expect(summary.rejections[0]).toMatch(/expected a time in microseconds, found 18446744073709552000/);
  });

  test('says that a cut file is truncated', () => {
    for (const length of [20, 33, 70, 100]) {
      expect(() => readTrace(vscsi, vscsi1Bytes(commands).subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'truncated' }),
      );
    }
  });
});

describe('cache2k', () => {
  test('reads big-endian keys in order, negative ones included', () => {
    const found = rows(cache2k, bigEndianInts([0, 1, 258, 1, -2]));
    expect(found.map((row) => row.segment)).toEqual(['0', '1', '258', '1', '-2']);
    expect(found.every((row) => Number.isNaN(row.timeMs) && row.size === -1)).toBe(true);
  });

  test('says that a file of a length which is no multiple of four is truncated', () => {
    expect(() => readTrace(cache2k, bigEndianInts([1, 2]).subarray(0, 7))).toThrow(
      expect.objectContaining({ code: 'truncated', context: expect.objectContaining({ byte: 4 }) }),
    );
  });
});

describe('detection of binary formats', () => {
  const keys = bigEndianInts(Array.from({ length: 300 }, (_, i) => (i * 7919) % 1000));
  const smallIds = oracleBytes(
    Array.from({ length: 100 }, (_, i) => ({
      time: i,
      id: BigInt(i % 9),
      size: 4,
      next: i < 91 ? BigInt(i + 10) : -1n,
    })),
  );
  const contents: readonly (readonly [string, Uint8Array])[] = [
    ['oracle-general', smallIds],
    ['vscsi', vscsi1Bytes(commands.slice(0, 2))],
    ['vscsi', vscsi2Bytes(commands.slice(0, 2))],
    ['cache2k', keys],
  ];

  test('each format claims its own bytes and none of the others', () => {
    for (const [name, bytes] of contents) {
      for (const format of [oracleGeneral, vscsi, cache2k]) {
        const score = detectOf(format, bytes);
        if (format.name === name) expect(score, `${format.name} on ${name}`).toBeGreaterThanOrEqual(0.5);
        else expect(score, `${format.name} on ${name}`).toBeLessThan(0.5);
      }
    }
  });

  test('no binary format claims text, nothing or a run of zeros', () => {
    const texts = [
      'a,b,c\n1,2,3\n',
      '17\n18\n19\n20\n21\n22\n23\n',
      '{"timestamp":1,"hash_ids":[1,2,3]}\n'.repeat(30),
      '',
    ];
    for (const format of [oracleGeneral, vscsi, cache2k]) {
      for (const text of texts) expect(detectOf(format, text)).toBe(0);
      expect(detectOf(format, new Uint8Array(960))).toBe(0);
    }
  });
});
