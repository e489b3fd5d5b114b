import { describe, expect, test } from 'vitest';
import { csv, tsv } from '../../../streams/sources/delimited.ts';
import { readingOf } from './rows-of.ts';

const absent = { timeMs: Number.NaN, consumer: null, site: null, op: 'read', size: -1, weight: 1 } as const;

describe('delimited text', () => {
  test('reads columns by the names that logs give them, in any order', () => {
    const { rows } = readingOf(
      csv,
      'region,Method,status,@timestamp,Content-Length,clientIp,url\nUS,GET,200,2015-05-17T10:05:03Z,512,10.0.0.1,/a\n',
    );
    expect(rows).toEqual([
      {
        timeMs: Date.parse('2015-05-17T10:05:03Z'),
        segment: '/a',
        consumer: '10.0.0.1',
        site: 'US',
        op: 'read',
        size: 512,
        weight: 1,
      },
    ]);
  });

  test('a unit in brackets kept a column from being known', () => {
    const header = 'User IP;Request URI;When (UTC);Response Size (bytes);Elapsed [s]';
    const { rows, summary } = readingOf(csv, `${header}\n10.0.0.1;/a;2015-05-17 10:05:03;512;7\n`);
    expect(rows[0]).toMatchObject({
      timeMs: Date.parse('2015-05-17T10:05:03Z'),
      segment: '/a',
      consumer: '10.0.0.1',
      size: 512,
    });
    expect(summary.leftOut).toEqual(['Elapsed [s]']);
    expect(readingOf(csv, 'Time (us),key\n1500,a\n').rows[0]).toMatchObject({ timeMs: 1.5 });
    expect(readingOf(csv, '# time, object\n15, a\n').rows[0]).toMatchObject({ timeMs: 15_000 });
  });

  test('a path asked for by HTTP/1.1 and by HTTP/2 was two segments of a log divided by spaces', () => {
    const lines = '[2015-05-17T10:05:03Z] "GET /a HTTP/1.1" 200 7\n[2015-05-17T10:05:04Z] "POST /a HTTP/2" 200 7\n';
    const columns = { time: '1', segment: '2', size: '4' };
    const timeMs = Date.parse('2015-05-17T10:05:03Z');
    expect(readingOf(csv, lines, { columns }).rows).toEqual([
      { ...absent, timeMs, segment: '/a', size: 7 },
      { ...absent, timeMs: timeMs + 1000, segment: '/a', op: 'write', size: 7 },
    ]);
    expect(readingOf(csv, lines, { columns: { ...columns, op: '3' } }).rows.map((row) => row.op)).not.toContain(
      'write',
    );
    expect(readingOf(csv, 'key,t\n"GET /a HTTP/1.1",1\n').rows[0]!.segment).toBe('GET /a HTTP/1.1');
  });

  test('a file of lines that end with a carriage return alone was one header and no access', () => {
    expect(readingOf(csv, 'time,key\r1,a\r2,b\r').error).toMatch(/^bad-usage: .*carriage return alone: tr /);
    expect(readingOf(csv, 'time,key\r\n1,a\r\n').rows).toHaveLength(1);
  });

  test('a first record that holds the number of a column that was asked for was taken for a header, and lost', () => {
    const columns = { time: '1', segment: '2' };
    expect(readingOf(csv, '1,a\n2,b\n', { columns }).rows.map(({ segment }) => segment)).toEqual(['a', 'b']);
    expect(readingOf(csv, 'x,2,1\n1,a,7\n', { columns, hasHeader: true }).rows).toEqual([
      { ...absent, segment: 'a', timeMs: 7000 },
    ]);
  });

  test('a carriage return within a quoted title made a file of sound lines one whose lines end with it', () => {
    const expected = [{ ...absent, segment: 'a', timeMs: 1 }];
    expect(readingOf(csv, 't_ms,key,"who\rand why"\n1,a,x\n').rows).toEqual(expected);
    expect(readingOf(csv, '1,a,"x\ry"\r\n', { columns: { time: '1', segment: '2' } }).rows).toHaveLength(1);
    expect(readingOf(csv, '"time","key"\r"1","a"\r').error).toMatch(/carriage return alone/);
  });

  test('takes -1, - and nothing as absent, and keeps country code NA', () => {
    const { rows } = readingOf(
      csv,
      't_ms,client,object,size,op,weight,region\n-1,-1,5,-1,r,1,NA\n,,6,,,,\n-,-,7,-,-,-,-\n',
    );
    expect(rows).toEqual([
      { ...absent, segment: '5', site: 'NA' },
      { ...absent, segment: '6' },
      { ...absent, segment: '7' },
    ]);
  });

  test.each([
    ['t_ms', '1500', 1500],
    ['time_us', '1500', 1.5],
    ['ts_ns', '1500000', 1.5],
    ['time_s', '1.5', 1500],
    ['time', '807249601', 807249601000],
    ['time', '807249601000', 807249601000],
    ['time', '807249601000000', 807249601000],
    ['time', '807249601000000000', 807249601000],
    ['time', '807249601.25', 807249601250],
    ['time', '1995-08-01T04:00:01Z', 807249601000],
  ])('reads time %s %s as %d ms', (name, written, timeMs) => {
    expect(readingOf(csv, `${name},key\n${written},a\n`).rows[0]!.timeMs).toBe(timeMs);
  });

  test('guesses the unit once, from the first time that is not 0', () => {
    const { rows } = readingOf(csv, 'time,key\n0,a\n807249601000,a\n807249602,a\n');
    expect(rows.map((row) => row.timeMs)).toEqual([0, 807249601000, 807249601000]);
  });

  test('takes the unit that it is told over the name and the magnitude', () => {
    expect(readingOf(csv, 't_ms,key\n5,a\n', { timeUnit: 's' }).rows[0]!.timeMs).toBe(5000);
  });

  test.each([
    ['r', 'read'],
    ['GET', 'read'],
    ['head', 'read'],
    ['w', 'write'],
    ['POST', 'write'],
    ['set', 'write'],
    ['d', 'delete'],
    ['DEL', 'delete'],
    ['a', 'other'],
    ['getChunk', 'other'],
    ['é', 'other'],
  ])('reads operation %s as %s', (word, op) => {
    expect(readingOf(csv, `op,key\n${word},a\n`).rows[0]!.op).toBe(op);
  });

  test('reads quoted fields: delimiters, doubled quotes, line ends, numbers', () => {
    const { rows, summary } = readingOf(csv, 'key,size\r\n"a,""b""\r\nc","12"\r\n"",5\r\n"d",6\r\n', { lenient: true });
    expect(rows.map(({ segment, size }) => [segment, size])).toEqual([
      ['a,"b"\r\nc', 12],
      ['d', 6],
    ]);
    expect(summary.rejections).toEqual(['input:4:1: expected a name of a segment in column key, found "",5']);
  });

  test.each([
    ['semicolons', 'time;key;size\n1;a,b;3\n'],
    ['bars', 'time|key|size\n1|a,b|3\n'],
    ['tabs', 'time\tkey\tsize\n1\ta,b\t3\n'],
    ['spaces, however many', 'time key size\n 1  a,b   3  \n'],
    ['commas', 'time,key,size\n1,"a,b",3\n'],
  ])('finds out that fields are divided by %s', (_, text) => {
    const { rows, error } = readingOf(csv, text);
    expect(error).toBe(null);
    expect(rows).toEqual([{ ...absent, timeMs: 1000, segment: 'a,b', size: 3 }]);
  });

  test('passes over a byte order mark, empty lines and CR LF', () => {
    const { rows } = readingOf(csv, '\ufeffkey,size\r\n\r\na,1\r\n\n\r\nb,2\r\n');
    expect(rows.map(({ segment, size }) => [segment, size])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('reads numbered columns of a text without a header', () => {
    const options = { columns: { segment: '3', time: '1', consumer: '2' } };
    expect(readingOf(csv, '5,u1,/x,zz\n6,u2,/y,zz\n', options).rows).toEqual([
      { ...absent, timeMs: 5000, consumer: 'u1', segment: '/x' },
      { ...absent, timeMs: 6000, consumer: 'u2', segment: '/y' },
    ]);
  });

  test('takes a first line with words for numbers as a header, whatever the words', () => {
    const options = { columns: { segment: '3', time: '1' } };
    expect(readingOf(csv, 'wann,wer,was\n5,u1,/x\n', options).rows).toEqual([
      { ...absent, timeMs: 5000, segment: '/x' },
    ]);
  });

  test('takes a column that is asked for over one that is known', () => {
    const { rows } = readingOf(csv, 'key,serial\na,7\n', { columns: { segment: 'serial' } });
    expect(rows).toEqual([{ ...absent, segment: '7' }]);
  });

  test('refuses times that are no finite number of milliseconds', () => {
    for (const written of ['1e308', '-1e308', '1e999', '-1e999', 'Infinity'])
      expect(readingOf(csv, `time_s,key\n${written},a\n`).error).toMatch(/^bad-record: input:2:1/);
  });

  // From 2^53 on a time may equal the end of its own interval, and a replay that went from interval to interval never ended.
  test('refuses times beyond those that intervals can be counted in, by digits and by exponents', () => {
    const timesOf = (name: string, written: string) => readingOf(csv, `${name},key\n${written},a\n`);
    for (const written of ['1e300', '-1e300', '8.000000000000001e15', '99999999999999999999', '8000000000000001'])
      expect(timesOf('t_ms', written).error, written).toMatch(/^bad-record: input:2:1/);
    // Of fifteen digits, which are added up while their end is looked for.
    expect(timesOf('t_s', '900000000000000').error).toMatch(/^bad-record: input:2:1/);
    expect(timesOf('t_ms', '8e15').rows[0]!.timeMs).toBe(8e15);
    expect(timesOf('t_ms', '-8e15').rows[0]!.timeMs).toBe(-8e15);
    expect(timesOf('t_ns', '1.7e18').rows[0]!.timeMs).toBe(1.7e12);
  });

  test('refuses fractions of a byte, also where many plain records come first', () => {
    const plain = 'a,5\n'.repeat(600);
    expect(readingOf(csv, `key,size\n${plain}b,1.5\n`).error).toBe(
      'bad-record: input:602:3: expected a whole number of bytes in column size, found 1.5',
    );
    expect(readingOf(csv, 'key,size\nb,1024.0\n').rows[0]!.size).toBe(1024);
  });

  test('reads the first line as data when told that there is no header', () => {
    expect(readingOf(csv, 'key\nb\n', { hasHeader: false }).rows.map((row) => row.segment)).toEqual(['key', 'b']);
  });

  test('reads one column as segments and two as time and segment', () => {
    expect(readingOf(csv, '17\n4\n').rows.map((row) => row.segment)).toEqual(['17', '4']);
    expect(readingOf(csv, '17,4\n').rows).toEqual([{ ...absent, timeMs: 17000, segment: '4' }]);
  });

  test('says what the columns are when none is known as the segment', () => {
    expect(readingOf(csv, 'alpha,beta\n1,2\n').error).toMatch(/^bad-usage: .*1=alpha, 2=beta/);
    expect(readingOf(csv, 'alpha,beta,gamma\n1,2,3\n').error).toMatch(/^bad-usage: .*1=alpha, 2=beta, 3=gamma/);
    expect(readingOf(csv, 'key,b\n1,2\n', { columns: { size: 'zz' } }).error).toMatch(
      /^bad-usage: no column zz for size/,
    );
  });

  test('keeps names that differ only in leading zeros, or beyond 2^53, apart', () => {
    const { rows } = readingOf(csv, 'key\n7\n07\n9007199254740992\n9007199254740993\n');
    expect(rows.map((row) => row.segment)).toEqual(['7', '07', '9007199254740992', '9007199254740993']);
  });

  test('lets empty fields beyond the header pass, and nothing else', () => {
    const { rows, summary } = readingOf(tsv, 'key\tsize\na\t1\t\t\nb\t2\tx\nc\n', { lenient: true });
    expect(rows.map((row) => row.segment)).toEqual(['a']);
    expect(summary.rejections).toEqual([
      'input:3:5: expected 2 fields, found more: x',
      'input:4:2: expected 2 fields, found 1',
    ]);
  });

  test('refuses a bad record with its line, column, what was expected and what was found', () => {
    expect(readingOf(csv, 'time,key,size\n1,a,5\n2,b,big\n').error).toBe(
      'bad-record: input:3:5: expected a whole number of bytes in column size, found big',
    );
    expect(readingOf(csv, 'time,key\nsoon,a\n').error).toBe(
      'bad-record: input:2:1: expected a number or an ISO 8601 time in column time, found soon',
    );
    expect(readingOf(csv, 'key,size\na,-5\n').error).toMatch(/input:2:3: .*found -5/);
    // More bytes than a double counts one by one are no size.
    expect(readingOf(csv, 'key,size\na,9007199254740991\nb,9007199254740992\n').error).toMatch(
      /input:3:3: expected a whole number of bytes/,
    );
    expect(readingOf(csv, 'key,size\n"a"x,5\n').error).toMatch(
      /input:2:1: expected a delimiter after the closing quote/,
    );
  });

  test('goes on after bad records when lenient, with the right line numbers', () => {
    const { rows, summary } = readingOf(csv, 'key,size\n"a\nb",x\nc,1\nd,y\ne,2\n', { lenient: true });
    expect(rows.map((row) => row.segment)).toEqual(['c', 'e']);
    expect(summary.rejectedCount).toBe(2);
    expect(summary.rejections[0]).toMatch(/^input:2:/);
    expect(summary.rejections[1]).toMatch(/^input:5:/);
  });

  test('says that a last line is cut off', () => {
    expect(readingOf(csv, 'key,size\na,1\nb').error).toMatch(/^truncated: input:3: /);
    expect(readingOf(csv, 'key,size\na,1\n"b').error).toMatch(/^truncated: input:3: expected a closing quote/);
    expect(readingOf(csv, 'key,size\na,1\nb,2').rows).toHaveLength(2);
  });

  test('a quote that is never closed costs its own line, not the rest', () => {
    const { rows, summary } = readingOf(csv, 'key,size\na,1\n"b,2\nc,3\nd,4\n', { lenient: true });
    expect(rows.map((row) => row.segment)).toEqual(['a', 'c', 'd']);
    expect(summary.rejections).toEqual(['input:3: expected a closing quote, found none up to the end of the input']);
  });

  test('refuses a delimiter that is not one', () => {
    expect(readingOf(csv, 'key\na\n', { delimiter: ';;' }).error).toMatch(/^bad-usage: the delimiter is one ASCII/);
  });

  test('is sure only of a first line that names a segment', () => {
    const sureness = (text: string) => csv.detect(new TextEncoder().encode(text), true);
    expect(sureness('time,key,size\n1,a,2\n')).toBeGreaterThan(0.5);
    expect(sureness('1,2,3\n4,5,6\n')).toBeLessThan(0.5);
    expect(sureness('once upon a time there was a key\nand it was lost\n')).toBeLessThan(0.5);
    expect(sureness('')).toBe(0);
    expect(csv.detect(Uint8Array.of(0, 1, 2, 10, 0, 0), true)).toBe(0);
  });
});
