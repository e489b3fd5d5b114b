import { describe, expect, test } from 'vitest';
import { Operation } from '../../../streams/operation.ts';
import { arcLis } from '../../../streams/sources/arc-lis.ts';
import { cachelibBlock } from '../../../streams/sources/cachelib-block.ts';
import { cachelibKv } from '../../../streams/sources/cachelib-kv.ts';
import { libcachesimCsv } from '../../../streams/sources/libcachesim-csv.ts';
import { libcachesimTxt } from '../../../streams/sources/libcachesim-txt.ts';
import { lirs } from '../../../streams/sources/lirs.ts';
import { msr } from '../../../streams/sources/msr.ts';
import { swf } from '../../../streams/sources/swf.ts';
import { twitter } from '../../../streams/sources/twitter.ts';
import { detectOf, readTrace, rows } from './read-trace.ts';

describe('twitter', () => {
  // README of twitter/cache-trace: timestamp, anonymized key, key size, value size, client id, operation, TTL.
  const text =
    '0,nz:u:eeW511W3dcH3de3d15ec,22,304,3,get,0\n0,q:q:1,5,0,4,gets,0\n2,q:q:1,5,90,4,set,86400\n3,q:q:1,5,0,3,delete,0\n';

  test('reads seven fields: seconds, key, client, operation, key and value bytes', () => {
    expect(rows(twitter, text)).toEqual([
      {
        timeMs: 0,
        segment: 'nz:u:eeW511W3dcH3de3d15ec',
        consumer: '3',
        site: null,
        op: Operation.read,
        size: 326,
        weight: 1,
      },
      { timeMs: 0, segment: 'q:q:1', consumer: '4', site: null, op: Operation.read, size: -1, weight: 1 },
      { timeMs: 2000, segment: 'q:q:1', consumer: '4', site: null, op: Operation.write, size: 95, weight: 1 },
      { timeMs: 3000, segment: 'q:q:1', consumer: '3', site: null, op: Operation.delete, size: 5, weight: 1 },
    ]);
    expect(detectOf(twitter, text)).toBeGreaterThan(0.9);
  });

  test('a key may hold commas', () => {
    expect(rows(twitter, '5,a,b,c,5,10,1,get,0\n')[0]!.segment).toBe('a,b,c');
  });

  test('names the column of a bad field', () => {
    expect(() => rows(twitter, '5,k,1,1,9,get,0\n6,k,1,1,9,fetch,0\n')).toThrow(/trace:2:11.*get.*fetch/);
    expect(() => rows(twitter, '5,k,1,1\n')).toThrow(/trace:1:1/);
    expect(() => rows(twitter, '9000000000000,k,1,1,9,get,0\n')).toThrow(/trace:1:1: expected a timestamp/);
  });
});

describe('msr', () => {
  // SNIA trace 388, README: Timestamp (Windows filetime), Hostname, DiskNumber, Type, Offset, Size, ResponseTime.
  const text =
    '128166372003061629,hm,1,Read,383496192,32768,413\n' +
    '128166372003061630,hm,0,Write,383496192,512,413\n' +
    '128166372016382155,hm,1,Read,383528960,4096,1341\n';

  test('reads file times to the last 100 ns', () => {
    const found = rows(msr, text);
    // 128166372003061629 ticks of 100 ns after 1601 are 2007-02-22T17:00:00.306 UTC.
    expect(found[0]!.timeMs).toBeCloseTo(Date.UTC(2007, 1, 22, 17, 0, 0) + 306.1629, 3);
    expect(found[1]!.timeMs).toBeGreaterThanOrEqual(found[0]!.timeMs);
    expect(found[2]!.timeMs - found[0]!.timeMs).toBeCloseTo(1332.0526, 3);
  });

  test('segments are sectors of a disk, and the same sector of two disks is two segments far apart', () => {
    const found = rows(msr, text);
    expect(found[0]!.segment).toBe('749016');
    expect(found[2]!.segment).toBe('749080');
    expect(found[1]!.segment).toBe(String(2 ** 40 + 749016));
    expect(found.map((row) => row.site)).toEqual(['hm.1', 'hm.0', 'hm.1']);
    expect(found.map((row) => row.op)).toEqual([Operation.read, Operation.write, Operation.read]);
    expect(found.map((row) => row.size)).toEqual([32768, 512, 4096]);
    expect(msr.addressBytes).toBe(512);
  });

  test('skips a header line and is recognised with it or without', () => {
    const headed = `Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime\n${text}`;
    expect(rows(msr, headed)).toHaveLength(3);
    expect(detectOf(msr, headed)).toBeGreaterThan(0.9);
    expect(detectOf(msr, text)).toBeGreaterThan(0.9);
    expect(detectOf(twitter, text)).toBe(0);
    expect(detectOf(msr, '5,k,1,1,9,get,0\n')).toBe(0);
  });

  test('refuses a bad type with line and column', () => {
    expect(() => rows(msr, text.replace('Write', 'Trim'))).toThrow(/trace:2:25.*Read or Write.*Trim/);
  });
});

describe('arc-lis', () => {
  test('expands a run into its blocks', () => {
    const found = rows(arcLis, '2001 3 0 0\n4294967295 2 0 1\n');
    expect(found.map((row) => row.segment)).toEqual(['2001', '2002', '2003', '4294967295', '4294967296']);
    expect(found.every((row) => row.size === 512 && Number.isNaN(row.timeMs))).toBe(true);
    expect(arcLis.addressBytes).toBeNull();
  });

  test('refuses a run that is taken for damage', () => {
    expect(() => rows(arcLis, '1 99999999999 0 0\n')).toThrow(/1:3.*count/);
    expect(() => rows(arcLis, '1 0 0 0\n')).toThrow(/count/);
  });

  test('a last line that was cut is truncated, not bad', () => {
    expect(() => rows(arcLis, '1 1 0 0\n2 1 0')).toThrow(expect.objectContaining({ code: 'truncated' }));
    expect(rows(arcLis, '1 1 0 0\n2 1 0 1')).toHaveLength(2);
  });
});

describe('lirs and libcachesim-txt', () => {
  test('lines of * are marks', () => {
    const trace = readTrace(lirs, new TextEncoder().encode('*\n12\n7\n*\n12\n'));
    expect(trace.summary.accessCount).toBe(3);
    expect(trace.summary.skipped.get('mark')).toBe(2);
    expect(() => rows(lirs, '12\nx7\n')).toThrow(/trace:2:1/);
  });

  test('numbers alone go to libcachesim-txt, marks to lirs, and both read the same accesses', () => {
    expect(detectOf(libcachesimTxt, '12\n7\n12\n')).toBeGreaterThan(detectOf(lirs, '12\n7\n12\n'));
    expect(detectOf(libcachesimTxt, '12\n*\n12\n')).toBe(0);
    expect(detectOf(lirs, '12\n*\n12\n')).toBeGreaterThan(0.9);
    expect(rows(libcachesimTxt, '12\n7\n\n12\n')).toEqual(rows(lirs, '12\n7\n\n12\n'));
  });

  test('an id of libcachesim-txt is the whole line', () => {
    expect(rows(libcachesimTxt, 'a b\r\nc\r\n').map((row) => row.segment)).toEqual(['a b', 'c']);
  });
});

describe('libcachesim-csv', () => {
  // data/trace.csv of libCacheSim begins so; op is a SCSI command in hexadecimal.
  const sample = 'version,time,op,size,lbn\n1,33898,2a,512,42932745\n1,33899,28,6144,31954535\n';

  test('finds the columns of libCacheSim headers and takes times as seconds', () => {
    expect(rows(libcachesimCsv, sample)).toEqual([
      {
        timeMs: 33_898_000,
        segment: '42932745',
        consumer: null,
        site: null,
        op: Operation.write,
        size: 512,
        weight: 1,
      },
      {
        timeMs: 33_899_000,
        segment: '31954535',
        consumer: null,
        site: null,
        op: Operation.read,
        size: 6144,
        weight: 1,
      },
    ]);
    expect(detectOf(libcachesimCsv, sample)).toBeGreaterThan(0.8);
  });

  test('time-col=2, obj-id-col=5, obj-size-col=4 by number give the same', () => {
    const options = { columns: { time: '2', segment: '5', size: '4' } };
    const found = rows(libcachesimCsv, sample, options).map(({ timeMs, segment, size }) => ({ timeMs, segment, size }));
    expect(found).toEqual(rows(libcachesimCsv, sample).map(({ timeMs, segment, size }) => ({ timeMs, segment, size })));
  });

  test('without a header the columns are time, object and size; the delimiter is looked for', () => {
    const found = rows(libcachesimCsv, '1|17|100\n2|18|200\n');
    expect(found.map((row) => [row.timeMs, row.segment, row.size])).toEqual([
      [1000, '17', 100],
      [2000, '18', 200],
    ]);
  });

  test('heeds the unit, the delimiter and the header that it is told', () => {
    expect(rows(libcachesimCsv, '1;7;9\n', { delimiter: ';', timeUnit: 'ms' })[0]!.timeMs).toBe(1);
    expect(rows(libcachesimCsv, '1,7,9\n2,8,9\n', { hasHeader: true, columns: { segment: '2' } })).toHaveLength(1);
    expect(() => rows(libcachesimCsv, '1,7,9\n', { columns: { site: '1' } })).toThrow(/site/);
    expect(() => rows(libcachesimCsv, '1,7,9\n', { columns: { segment: '9' } })).toThrow(/"9"/);
  });
});

// Infinite ones broke an invariant of the batch builder instead of being refused.
describe('times that no access may have', () => {
  test('are refused with their place by every format that takes exponents', () => {
    const jobs = '1 2 -1 3 4 -1 -1 4 -1 -1 -1 1 1 1 -1 -1 -1 -1\n';
    for (const time of ['1e999', '1e300', '9e12']) {
      expect(() => rows(libcachesimCsv, `${time},7,9\n`), time).toThrow(/trace:1:1: expected a time/);
      expect(() => rows(swf, jobs.replace(' 2 ', ` ${time} `)), time).toThrow(/trace:1:3: expected/);
      const kv = `op_time,key,key_size,op,op_count,size\n${time},k,1,GET,1,1\n`;
      expect(() => rows(cachelibKv, kv), time).toThrow(/trace:2:1: expected a time in seconds/);
    }
  });
});

describe('cachelib', () => {
  test('a kv row is one access that weighs its op_count', () => {
    const text =
      'op_time,key,key_size,op,op_count,size,cache_hits,ttl,usecase,sub_usecase\n' +
      '604038471,82131353f9ddc8c6,48,GET,3,87,1,0,366387042,3003229276\n' +
      '604038472,82131353f9ddc8c6,48,GET_LEASE,1,0,0,0,366387042,3003229276\n' +
      '604038473,82131353f9ddc8c6,48,SET,1,65,0,7200,9,3003229276\n' +
      '604038473,82131353f9ddc8c6,48,DELETE,1,0,0,0,9,3003229276\n';
    const found = rows(cachelibKv, text);
    expect(found.map((row) => [row.timeMs, row.op, row.size, row.weight, row.consumer])).toEqual([
      [604_038_471_000, Operation.read, 135, 3, '366387042'],
      [604_038_472_000, Operation.read, -1, 1, '366387042'],
      [604_038_473_000, Operation.write, 113, 1, '9'],
      [604_038_473_000, Operation.delete, 48, 1, '9'],
    ]);
    expect(detectOf(cachelibKv, text)).toBeGreaterThan(0.9);
  });

  test('the older column order without a time is read by its header', () => {
    const found = rows(cachelibKv, 'key,op,size,op_count,key_size\nk1,GET,100,7,10\n');
    expect(found).toEqual([
      { timeMs: Number.NaN, segment: 'k1', consumer: null, site: null, op: 0, size: 110, weight: 7 },
    ]);
  });

  test('a block row keeps user, host and bytes of the part', () => {
    const text =
      'op_time,block_id,block_id_size,io_size,io_offset,user_name,user_namespace,op_name,op_count,host_name,rs_shard_id\n' +
      '1702511878,12ce-9e05,40,8388608,0,4235083322,3487869255,getChunkData.NotInitialized,1,518845025,4\n' +
      '1702511879,e73a-a6d1,40,1012394,0,4235083322,3487869255,putChunk.NotInitialized,2,2411423798,2\n';
    expect(
      rows(cachelibBlock, text).map((row) => [row.segment, row.consumer, row.site, row.op, row.size, row.weight]),
    ).toEqual([
      ['12ce-9e05', '4235083322', '518845025', Operation.read, 8388608, 1],
      ['e73a-a6d1', '4235083322', '2411423798', Operation.write, 1012394, 2],
    ]);
    expect(detectOf(cachelibBlock, text)).toBeGreaterThan(0.9);
    expect(detectOf(cachelibKv, text)).toBe(0);
  });

  test('a row cut at the end of the file is truncated', () => {
    const text = 'key,op,size,op_count,key_size\nk1,GET,100,7,10\nk2,GET,1';
    expect(() => rows(cachelibKv, text)).toThrow(expect.objectContaining({ code: 'truncated' }));
    expect(rows(cachelibKv, text, { isLenient: true })).toHaveLength(1);
  });

  test('a header without the needed names is refused before any row is read', () => {
    expect(() => rows(cachelibKv, 'a,b,c\n1,2,3\n')).toThrow(/1:1.*header/);
  });
});

describe('swf', () => {
  const text =
    '; Version: 2.2\n; UnixStartTime: 749458803\n;\n' +
    '    1        0     -1   1451  128     -1    -1   -1     -1    -1 -1   1   1  -1 -1 -1 -1 -1\n' +
    '   57    25574     -1     10   -1     -1    -1   32     -1    -1 -1  -1   1   2 -1 -1 -1 -1\n';

  test('a job is an access to its executable by its user when it was submitted', () => {
    expect(rows(swf, text)).toEqual([
      { timeMs: 749_458_803_000, segment: '-1', consumer: '1', site: null, op: 0, size: 128, weight: 1 },
      { timeMs: 749_484_377_000, segment: '2', consumer: null, site: null, op: 0, size: 32, weight: 1 },
    ]);
    expect(detectOf(swf, text)).toBeGreaterThan(0.9);
  });

  test('counts comments and refuses a line of seventeen fields', () => {
    expect(readTrace(swf, new TextEncoder().encode(text)).summary.skipped.get('comment')).toBe(3);
    expect(() => rows(swf, text.replace('128     -1', '128'))).toThrow(/trace:4:1.*18 fields/);
    expect(() => rows(swf, text.replace('1451', 'x451'))).toThrow(/trace:4:25.*field 4.*x451/);
  });
});
