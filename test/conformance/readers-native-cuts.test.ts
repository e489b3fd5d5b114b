import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamFormat } from '../../streams/format.ts';
import { arcLis } from '../../streams/sources/arc-lis.ts';
import { cache2k } from '../../streams/sources/cache2k.ts';
import { cachelibBlock } from '../../streams/sources/cachelib-block.ts';
import { cachelibKv } from '../../streams/sources/cachelib-kv.ts';
import { libcachesimCsv } from '../../streams/sources/libcachesim-csv.ts';
import { libcachesimTxt } from '../../streams/sources/libcachesim-txt.ts';
import { lirs } from '../../streams/sources/lirs.ts';
import { llmAgentic } from '../../streams/sources/llm-agentic.ts';
import { llmMooncake } from '../../streams/sources/llm-mooncake.ts';
import { msr } from '../../streams/sources/msr.ts';
import { oracleGeneral } from '../../streams/sources/oracle-general.ts';
import { swf } from '../../streams/sources/swf.ts';
import { twitter } from '../../streams/sources/twitter.ts';
import { vscsi } from '../../streams/sources/vscsi.ts';
import { bigEndianInts, oracleBytes, vscsi1Bytes, vscsi2Bytes } from '../unit/sources-binary/binary-records.ts';
import { readTrace, rowsOf } from '../unit/sources-binary/read-trace.ts';

const numbers = Array.from({ length: 60 }, (_, i) => (i * 7919 + 13) % 101);
const scsi = numbers.map((n, i) => ({
  command: n % 2 === 0 ? 0x28 : 0x2a,
  length: 512 * (n + 1),
  lbn: BigInt(n) * 1_000_003n,
  microseconds: BigInt(i) * 1000n,
}));
const lines = (line: (n: number, i: number) => string): Uint8Array =>
  new TextEncoder().encode(numbers.map(line).join(''));
const request = (n: number, i: number): string => {
  const opens = i % 10 === 0 ? `{"session":${i / 10},"block_tokens":64}\n` : '';
  return `${opens}{"s":${Math.floor(i / 10)},"t":${i % 10},"d":0,"keep":${i % 10},"add":[${n}]}\n`;
};

const inputs: readonly (readonly [string, StreamFormat, Uint8Array])[] = [
  [
    'oracle-general',
    oracleGeneral,
    oracleBytes(numbers.map((n, i) => ({ time: i, id: BigInt(n), size: n, next: -1n }))),
  ],
  ['vscsi v1', vscsi, vscsi1Bytes(scsi)],
  ['vscsi v2', vscsi, vscsi2Bytes(scsi)],
  ['cache2k', cache2k, bigEndianInts(numbers)],
  ['twitter', twitter, lines((n, i) => `${i},key${n},5,${n},c${n % 3},get,0\r\n`)],
  ['msr', msr, lines((n, i) => `${128166372003061629n + BigInt(i)},h${n % 2},1,Read,${n * 4096},4096,41\n`)],
  ['arc-lis', arcLis, lines((n, i) => `${n} ${1 + (n % 3)} 0 ${i}\n`)],
  ['lirs', lirs, lines((n, i) => (i % 20 === 0 ? `*\n${n}\n` : `${n}\n`))],
  ['libcachesim-txt', libcachesimTxt, lines((n) => `${n}\r\n`)],
  ['libcachesim-csv', libcachesimCsv, lines((n, i) => `${i === 0 ? 'time,obj_id,size\n' : ''}${i},${n},${n * 2}\n`)],
  [
    'cachelib-kv',
    cachelibKv,
    lines((n, i) => `${i === 0 ? 'key,op,size,op_count,key_size\n' : ''}k${n},GET,${n},2,9\n`),
  ],
  [
    'cachelib-block',
    cachelibBlock,
    lines((n, i) => `${i === 0 ? 'op_time,block_id,io_size,io_offset,op_name\n' : ''}${i},b${n},${n},0,getChunkData\n`),
  ],
  [
    'swf',
    swf,
    lines(
      (n, i) =>
        `${i === 0 ? '; UnixStartTime: 9\n' : ''}${i} ${i} -1 5 8 -1 -1 -1 -1 -1 1 ${n % 4} 1 ${n} -1 -1 -1 -1\n`,
    ),
  ],
  ['llm-mooncake', llmMooncake, lines((n, i) => `{"timestamp":${i},"hash_ids":[${n},${n + 1}]}\n`)],
  ['llm-agentic', llmAgentic, lines(request)],
];

describe('however the bytes are cut', () => {
  test.each(inputs)('%s gives the same rows', (_, format, bytes) => {
    const whole = rowsOf(readTrace(format, bytes));
    expect(whole.length).toBeGreaterThanOrEqual(numbers.length);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 }), (cuts) => {
        expect(rowsOf(readTrace(format, bytes, { cuts }))).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });

  test.each(inputs)(
    '%s cut anywhere and read leniently gives a prefix of the rows, and at most one refusal',
    (_, format, bytes) => {
      // The last request of a session trace may be lost or not, but the order in time of what is left stays.
      const whole = rowsOf(readTrace(format, bytes)).map((row) => JSON.stringify(row));
      fc.assert(
        fc.property(fc.integer({ min: 0, max: bytes.length }), (length) => {
          const trace = readTrace(format, bytes.subarray(0, length), { isLenient: true, cuts: [41] });
          expect(trace.summary.rejectedCount).toBeLessThanOrEqual(1);
          const found = rowsOf(trace).map((row) => JSON.stringify(row));
          // A number cut inside its digits is still a number where a line is nothing else: the last row may differ.
          expect(found.length).toBeLessThanOrEqual(whole.length);
          if (format !== llmAgentic) expect(found.slice(0, -1)).toEqual(whole.slice(0, Math.max(0, found.length - 1)));
        }),
        { numRuns: 40 },
      );
    },
  );

  test.each(inputs)('%s survives any bytes in lenient mode, and detection never throws', (_, format) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isWhole) => {
        expect(() => readTrace(format, bytes, { isLenient: true })).not.toThrow();
        const score = format.detect(bytes, isWhole);
        expect(score >= 0 && score <= 1).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
