import { describe, expect, test } from 'vitest';
import { clf } from '../../../streams/sources/clf.ts';
import { cloudfront } from '../../../streams/sources/cloudfront.ts';
import { s3AccessLog } from '../../../streams/sources/s3-access-log.ts';
import { readingOf } from './rows-of.ts';

const time = '[17/May/2015:10:05:03 +0000]';
const timeMs = Date.parse('2015-05-17T10:05:03Z');
const clfLine = (request: string, rest = '200 5') => `10.0.0.1 - - ${time} "${request}" ${rest}\n`;
const segmentsOf = (text: string) => readingOf(clf, text).rows.map((row) => row.segment);

describe('Common and Combined Log Format', () => {
  test('reads host, time, method, path and bytes', () => {
    const line = `::1 ident Jane Doe ${time} "PUT /a/b.png?x=1#top HTTP/1.1" 201 203023 "http://e.org/" "Agent \\"q\\" [1]"\n`;
    expect(readingOf(clf, line).rows).toEqual([
      { timeMs, segment: '/a/b.png?x=1', consumer: '::1', site: null, op: 'write', size: 203023, weight: 1 },
    ]);
  });

  test('takes paths as broken clients send them', () => {
    expect(segmentsOf(clfLine('GET /a b HTTP/1.0'))).toEqual(['/a b']);
    expect(segmentsOf(clfLine('GET /a'))).toEqual(['/a']);
    expect(segmentsOf(clfLine('GET /a"b" HTTP/1.0'))).toEqual(['/a"b"']);
    expect(segmentsOf(clfLine('GET /a\\" 5" HTTP/2'))).toEqual(['/a\\" 5"']);
    expect(segmentsOf(clfLine('GET /a HTTP/1.0 '))).toEqual(['/a']);
  });

  test('takes the client for the consumer, also behind a virtual host', () => {
    const line = clfLine('GET /a HTTP/1.1');
    const consumers = readingOf(
      clf,
      `${line}www.example.org:443 ${line}www.example.org ::1 - - ${time} "GET /" 200 5\n`,
    );
    expect(consumers.rows.map((row) => row.consumer)).toEqual(['10.0.0.1', '10.0.0.1', '::1']);
  });

  test('counts what is not an access under its reason', () => {
    const text = [
      clfLine('GET /a HTTP/1.1', '404 5'),
      clfLine('GET /b HTTP/1.1', '500 -'),
      clfLine('-', '408 -'),
      clfLine('GET /c HTTP/1.1', '101 -'),
      clfLine('-', '200 0'),
      clfLine('GET /d HTTP/1.1', '206 7'),
    ].join('');
    const { rows, summary } = readingOf(clf, text);
    expect(rows.map((row) => row.segment)).toEqual(['/d']);
    expect([...summary.skipped]).toEqual([
      ['HTTP status 4xx', 2],
      ['HTTP status 5xx', 1],
      ['no HTTP status 2xx or 3xx', 1],
      ['no path in the request', 1],
    ]);
  });

  test('knows no size where the response did not carry the segment', () => {
    const text =
      clfLine('GET /a HTTP/1.1', '304 0') + clfLine('HEAD /a HTTP/1.1', '200 0') + clfLine('GET /a', '200 -');
    expect(readingOf(clf, text).rows.map(({ op, size }) => [op, size])).toEqual([
      ['read', -1],
      ['read', -1],
      ['read', -1],
    ]);
  });

  test('refuses a bad line with its place', () => {
    const good = clfLine('GET /a HTTP/1.1');
    expect(readingOf(clf, `${good}what is this\n`).error).toBe(
      'bad-record: input:2:13: expected [time], found the end of the line',
    );
    expect(readingOf(clf, `${good}h - - [17/May/2015] "GET / HTTP/1.1" 200 5\n`).error).toMatch(
      /^bad-record: input:2:7: expected \[dd\/Mon\/yyyy:hh:mm:ss \+zzzz\], found \[17\/May\/2015\] "GET/,
    );
    expect(readingOf(clf, clfLine('GET /', '200 x')).error).toMatch(/expected a number of bytes or -, found x/);
    const { rows, summary } = readingOf(clf, `${good}\r\n\nbad\n${good}`, { lenient: true });
    expect([rows.length, summary.rejections]).toEqual([2, ['input:4:4: expected [time], found the end of the line']]);
  });

  test('says that a last line is cut off, wherever the cut is', () => {
    const line = `h - - ${time} "GET /a HTTP/1.1" 200 12 "-" "Agent"`;
    expect(readingOf(clf, line).rows).toHaveLength(1);
    const numberEnd = line.indexOf(' "-"');
    for (let cut = 1; cut < line.length; cut++) {
      const { error } = readingOf(clf, `${line}\n${line.slice(0, cut)}`);
      // Inside the bytes and between fields after them nothing tells a cut from an end.
      const couldBeWhole =
        cut === numberEnd || cut === numberEnd - 1 || cut === numberEnd + 1 || /"-" ?$/.test(line.slice(0, cut));
      expect([line.slice(0, cut), error?.slice(0, 18) ?? null]).toEqual([
        line.slice(0, cut),
        couldBeWhole ? null : 'truncated: input:2',
      ]);
    }
  });

  test('the front pages of two sites of one server were one segment', () => {
    const line = (site: string, address = '10.0.0.1') => `${site}${address} - - ${time} "GET /?q#top HTTP/1.1" 200 5\n`;
    const text = ['a.example:443 ', 'b.example:443 ', '- ', ''].map((site) => line(site)).join('');
    const { rows, error } = readingOf(clf, text + line('a.example:443 ', '10.0.0.2'));
    expect(error).toBe(null);
    expect(rows.map(({ segment, consumer }) => [segment, consumer])).toEqual([
      ['a.example:443/?q', '10.0.0.1'],
      ['b.example:443/?q', '10.0.0.1'],
      ['/?q', '10.0.0.1'],
      ['/?q', '10.0.0.1'],
      ['a.example:443/?q', '10.0.0.2'],
    ]);
  });
});

const owner = '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be';
/** A line in the order of fields that AWS documents: owner bucket [time] ip requester request-id operation key "uri" status error sent size ... */
const s3Line = (operation: string, key: string, rest = '200 - 113 4406', requester = owner) =>
  `${owner} amzn-s3-demo-bucket ${time} 192.0.2.3 ${requester} 3E57427F3EXAMPLE ${operation} ${key} "GET /amzn-s3-demo-bucket/x?versioning HTTP/1.1" ${rest} 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket.s3.us-west-1.amazonaws.com TLSV1.2 - -\n`;

describe('S3 access log', () => {
  test('machines that share one role were one consumer, and the order of each was lost among the others', () => {
    const role = 'arn:aws:sts::123456789012:assumed-role/reader/job';
    const line = s3Line('REST.GET.OBJECT', 'a', undefined, role);
    const nowhere = line.replace(' 192.0.2.3 ', ' - ');
    const anonymous = s3Line('REST.GET.OBJECT', 'a', undefined, '-');
    const text = [line, line.replace('192.0.2.3', '192.0.2.4'), nowhere, anonymous].join('');
    expect(readingOf(s3AccessLog, text).rows.map((row) => row.consumer)).toEqual([
      `192.0.2.3 ${role}`,
      `192.0.2.4 ${role}`,
      role,
      '192.0.2.3',
    ]);
  });

  test('reads operations on objects, and only those', () => {
    const text = [
      s3Line('REST.GET.OBJECT', 'photos/a%2520b.jpg'),
      s3Line('REST.PUT.OBJECT', 'c', '200 - - 4406'),
      s3Line('BATCH.DELETE.OBJECT', 'c', '204 - - -', '-'),
      s3Line('REST.GET.VERSIONING', '-'),
      s3Line('REST.GET.OBJECT', 'missing', '404 NoSuchKey 297 -'),
      s3Line('REST.GET.ACL', 'c'),
    ].join('');
    const { rows, summary, error } = readingOf(s3AccessLog, text);
    expect(error).toBe(null);
    const known = { timeMs, site: null, weight: 1 };
    expect(rows).toEqual([
      {
        ...known,
        segment: 'amzn-s3-demo-bucket/photos/a%2520b.jpg',
        consumer: `192.0.2.3 ${owner}`,
        op: 'read',
        size: 4406,
      },
      { ...known, segment: 'amzn-s3-demo-bucket/c', consumer: `192.0.2.3 ${owner}`, op: 'write', size: 4406 },
      { ...known, segment: 'amzn-s3-demo-bucket/c', consumer: '192.0.2.3', op: 'delete', size: -1 },
    ]);
    expect([...summary.skipped]).toEqual([
      ['operation on something other than an object', 2],
      ['HTTP status 4xx', 1],
    ]);
  });

  test('takes the bytes sent where the size of the object is not told', () => {
    expect(readingOf(s3AccessLog, s3Line('REST.GET.OBJECT', 'a', '206 - 113 -')).rows[0]!.size).toBe(113);
  });

  test('refuses a bad line with its place, and says where the last is cut', () => {
    expect(readingOf(s3AccessLog, 'a b c\n').error).toMatch(/^bad-record: input:1:4: expected bucket and \[time\]/);
    expect(readingOf(s3AccessLog, s3Line('REST.GET.OBJECT', 'a', '20x - 1 1')).error).toMatch(
      /a number or -, found 20x/,
    );
    const line = s3Line('REST.GET.OBJECT', 'a');
    for (const cut of [3, 70, 90, 120, 200, 260])
      expect(readingOf(s3AccessLog, line + line.slice(0, cut)).error).toMatch(/^truncated: input:2/);
  });
});

const cloudfrontHead =
  '#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n';
const cloudfrontLine = (method: string, stem: string, status: number, query = '-', length = '78') =>
  [
    ...['2019-12-04', '21:02:31', 'LAX1', '392', '192.0.2.100', method, 'd111111abcdef8.cloudfront.net', stem],
    ...[
      String(status),
      '-',
      'Mozilla/5.0%20(Windows%20NT%2010.0)',
      query,
      '-',
      'Hit',
      'SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==',
    ],
    ...[
      'd111111abcdef8.cloudfront.net',
      'https',
      '23',
      '0.001',
      '-',
      'TLSv1.2',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'Hit',
      'HTTP/2.0',
    ],
    ...['-', '-', '11040', '0.001', 'Hit', 'text/html', length, '-', '-'],
  ].join('\t');

describe('CloudFront standard log', () => {
  test('reads the columns that #Fields names', () => {
    const text = `${cloudfrontHead}${cloudfrontLine('GET', '/index.html', 200)}\r\n${cloudfrontLine('GET', '/a%20b', 206, 'x=1&y', '-')}\n${cloudfrontLine('HEAD', '/a', 304)}\n${cloudfrontLine('GET', '/no', 403)}\n${cloudfrontLine('GET', '/gone', 0)}\n`;
    const { rows, summary, error } = readingOf(cloudfront, text);
    expect(error).toBe(null);
    const known = {
      timeMs: Date.parse('2019-12-04T21:02:31Z'),
      consumer: '192.0.2.100',
      site: 'LAX1',
      op: 'read',
      weight: 1,
    };
    expect(rows).toEqual([
      { ...known, segment: '/index.html', size: 78 },
      { ...known, segment: '/a%20b?x=1&y', size: 392 },
      { ...known, segment: '/a', size: -1 },
    ]);
    expect([...summary.skipped]).toEqual([
      ['comment', 2],
      ['HTTP status 4xx', 1],
      ['no HTTP status 2xx or 3xx', 1],
    ]);
  });

  test('takes the fields of a second log that is joined on', () => {
    const other = '#Fields: cs-uri-stem date time\n/z\t2020-01-01\t00:00:00\n';
    const { rows } = readingOf(cloudfront, `${cloudfrontHead}${cloudfrontLine('GET', '/a', 200)}\n${other}`);
    expect(rows[1]).toEqual({
      timeMs: Date.parse('2020-01-01T00:00:00Z'),
      segment: '/z',
      consumer: null,
      site: null,
      op: 'read',
      size: -1,
      weight: 1,
    });
  });

  test('an IIS log, whose fields are set apart by spaces, was refused for want of tabs', () => {
    const text =
      '#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status sc-bytes\n2026-03-03 08:00:00 10.0.0.1 GET /a x=1 10.1.0.1 Mozilla/5.0+(X11) 200 42\n2026-03-03 08:00:01 10.0.0.1 GET /b - 10.1.0.2 Mozilla/5.0 404 0\n';
    const { rows, error } = readingOf(cloudfront, text);
    expect(error).toBe(null);
    expect(rows).toEqual([
      {
        timeMs: Date.parse('2026-03-03T08:00:00Z'),
        consumer: '10.1.0.1',
        segment: '/a?x=1',
        site: null,
        op: 'read',
        size: 42,
        weight: 1,
      },
    ]);
  });

  test('refuses lines that come before the fields, have other counts, or are cut off', () => {
    expect(readingOf(cloudfront, 'a\tb\n').error).toMatch(/input:1:1: expected a line #Fields: first/);
    expect(readingOf(cloudfront, `${cloudfrontHead}a\tb\n`).error).toMatch(/input:3:4: expected 33 fields/);
    expect(readingOf(cloudfront, cloudfrontHead + cloudfrontLine('GET', '/a', 200).slice(0, 100)).error).toMatch(
      /^truncated/,
    );
    expect(readingOf(cloudfront, '#Fields: date time\n').error).toMatch(/^bad-usage: line 1: .*no cs-uri-stem/);
  });
});
