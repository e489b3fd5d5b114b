import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultAt, valueEnd } from '../../../streams/sources/json-bytes.ts';
import { ndjson } from '../../../streams/sources/ndjson.ts';
import { readingOf } from './rows-of.ts';

const absent = { timeMs: Number.NaN, consumer: null, site: null, op: 'read', size: -1, weight: 1 } as const;

describe('newline-delimited JSON', () => {
  test('reads members by the names that logs give them, whatever their order', () => {
    const { rows, error } = readingOf(
      ndjson,
      '{"ts_ms":1500,"user":"u1","url":"/a","bytes":12,"method":"PUT","region":"eu","count":3}\n{"url":"/b","extra":{"a":[1,{}]},"ts_ms":"1600","user":7}\n',
    );
    expect(error).toBe(null);
    expect(rows).toEqual([
      { timeMs: 1500, consumer: 'u1', segment: '/a', size: 12, op: 'write', site: 'eu', weight: 3 },
      { ...absent, timeMs: 1600, consumer: '7', segment: '/b' },
    ]);
  });

  test('decodes escapes in names and in members', () => {
    const { rows } = readingOf(ndjson, '{"\\u006bey":"a\\"\\u00e9\\n"}\n{"key":"a\\"é\\n"}\n');
    expect(rows.map((row) => row.segment)).toEqual(['a"é\n', 'a"é\n']);
  });

  test('keeps all digits of numbers that name segments', () => {
    const { rows } = readingOf(ndjson, '{"id":9007199254740993}\n{"id":9007199254740992}\n');
    expect(rows.map((row) => row.segment)).toEqual(['9007199254740993', '9007199254740992']);
  });

  test('reads nested members by a path with dots', () => {
    const options = { columns: { segment: 'request.path', consumer: 'request.client.ip', time: '@timestamp' } };
    const line = '{"@timestamp":"2015-05-17T10:05:03Z","url":"x","request":{"client":{"ip":"::1"},"path":"/p"}}\n';
    expect(readingOf(ndjson, line, options).rows).toEqual([
      { ...absent, timeMs: Date.parse('2015-05-17T10:05:03Z'), consumer: '::1', segment: '/p' },
    ]);
  });

  test('takes the surest name, and the last of two that are the same', () => {
    expect(readingOf(ndjson, '{"id":1,"key":"k","url":"u"}\n').rows[0]!.segment).toBe('k');
    expect(readingOf(ndjson, '{"key":"a","key":"b"}\n').rows[0]!.segment).toBe('b');
  });

  test('finds nested members by their words where the first record has no segment at its top', () => {
    const caddy =
      '{"ts":1772524801.5,"logger":"http.log.access","request":{"remote_ip":"::1","method":"PUT","uri":"/a?x"},"user_id":"","size":9}\n';
    const elastic =
      '{"@timestamp":"2026-03-03T08:00:01Z","url":{"path":"/b"},"http":{"request":{"method":"GET"},"response":{"body":{"bytes":7}}},"source":{"ip":"10.0.0.1"},"host":{"name":"web-1"},"log":{"file":{"path":"/var/log"}}}\n';
    const google =
      '{"timestamp":"2026-03-03T08:00:01Z","httpRequest":{"requestUrl":"https://h/c","remoteIp":"10.0.0.2","responseSize":"5","requestMethod":"GET"}}\n';
    expect(readingOf(ndjson, caddy).rows).toEqual([
      { ...absent, timeMs: 1772524801500, consumer: '::1', segment: '/a?x', op: 'write', size: 9 },
    ]);
    const timeMs = Date.parse('2026-03-03T08:00:01Z');
    expect(readingOf(ndjson, elastic).rows).toEqual([
      { ...absent, timeMs, consumer: '10.0.0.1', segment: '/b', size: 7 },
    ]);
    expect(readingOf(ndjson, google).rows).toEqual([
      { ...absent, timeMs, consumer: '10.0.0.2', segment: 'https://h/c', size: 5 },
    ]);
    const flat = '{"key":"top","request":{"uri":"/nested"}}\n{"request":{"uri":"/nested"}}\n';
    expect(readingOf(ndjson, flat, { lenient: true }).rows.map((row) => row.segment)).toEqual(['top']);
  });

  test('takes a request line, as nginx writes it, as its path and method', () => {
    const lines = [
      '{"remote_user":"-","remote_addr":"10.0.0.3","request":"POST /p?a=1 HTTP/1.1"}',
      '{"remote_addr":"10.0.0.3","request":"GET /a b HTTP/2.0"}',
      '{"remote_addr":"10.0.0.3","request":"\\u0016\\u0003"}',
    ];
    expect(readingOf(ndjson, `${lines.join('\n')}\n`).rows).toEqual([
      { ...absent, consumer: '10.0.0.3', segment: '/p?a=1', op: 'write' },
      { ...absent, consumer: '10.0.0.3', segment: '/a b' },
      { ...absent, consumer: '10.0.0.3', segment: '\u0016\u0003' },
    ]);
  });

  test('takes the next surest consumer of a record whose surest is empty', () => {
    expect(
      readingOf(ndjson, '{"key":"k","user":"","remote_addr":"ip"}\n{"key":"k","user":"-","ip":"ip2"}\n').rows.map(
        (row) => row.consumer,
      ),
    ).toEqual(['ip', 'ip2']);
  });

  test('says which members a record has that names no segment', () => {
    expect(readingOf(ndjson, '{"level":"info","app":{"thing":"x","n":[1]}}\n').error).toBe(
      'bad-record: input:1:1: expected a text or number that names the segment, found only level, app.thing, app.n: say which with --columns segment=NAME',
    );
  });

  test('a long list of members cut off the way out', () => {
    const members = Array.from({ length: 20 }, (_, i) => `"member${i}":1`).join(',');
    expect(readingOf(ndjson, `{${members}}\n`).error).toMatch(
      /names the segment: say which with --columns segment=NAME, found only member0, .*\.\.\.$/,
    );
  });

  test('takes the names of Cloudflare, Fastly and Traefik', () => {
    const timeMs = Date.parse('2015-05-17T10:05:03Z');
    const time = '"2015-05-17T10:05:03Z"';
    const records = [
      `{"ClientIP":"10.0.0.1","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeResponseBytes":7,"EdgeStartTimestamp":${time},"EdgeColoCode":"FRA"}`,
      `{"timestamp":${time},"client_ip":"10.0.0.2","url":"/b","request_method":"GET","response_body_size":8}`,
      `{"ClientAddr":"10.0.0.3:4711","ClientHost":"10.0.0.3","DownstreamContentSize":9,"RequestMethod":"GET","RequestPath":"/c","time":${time}}`,
    ];
    expect(records.map((record) => readingOf(ndjson, `${record}\n`).rows[0])).toEqual([
      { ...absent, timeMs, segment: '/a', consumer: '10.0.0.1', site: 'FRA', size: 7 },
      { ...absent, timeMs, segment: '/b', consumer: '10.0.0.2', size: 8 },
      { ...absent, timeMs, segment: '/c', consumer: '10.0.0.3', size: 9 },
    ]);
  });

  test('members that no record was read by were left out without a word', () => {
    const leftOut = (text: string, options = {}) => readingOf(ndjson, text, options).summary.leftOut;
    const records = '{"Zeitpunkt":1,"url":"/a","user":"-","tags":["x"],"more":{"a":1}}\n{"url":"/b","status":200}\n';
    expect(leftOut(records)).toEqual(['Zeitpunkt', 'tags', 'more', 'status']);
    expect(leftOut(records, { columns: { time: 'Zeitpunkt' } })).toEqual(['tags', 'more', 'status']);
    // A name that gave way to a surer one is told, unless some record had it alone.
    expect(leftOut('{"id":1,"key":"k"}\n{"key":"k","id":2}\n')).toEqual(['id']);
    expect(leftOut('{"id":1,"key":"k"}\n{"id":2}\n')).toEqual([]);
    // What was looked into is told by its members.
    expect(leftOut('{"logger":"x","request":{"uri":"/a","proto":"h2","headers":{"Accept":["*"]}}}\n')).toEqual([
      'logger',
      'request.proto',
      'request.headers.Accept',
    ]);
    expect(leftOut('{"url":"/a","ts_ms":1}\n')).toEqual([]);
  });

  test('takes null, empty and - as absent', () => {
    expect(readingOf(ndjson, '{"key":"k","user":null,"region":"","size":null,"time":null,"op":null}\n').rows).toEqual([
      { ...absent, segment: 'k' },
    ]);
  });

  test('refuses bad records with their places and goes on when lenient', () => {
    const lines = [
      '{"key":"a"}',
      '{"key":"b",}',
      '[1]',
      '{"user":"x"}',
      '{"key":"c","size":"big"}',
      '{"key":"\\ud800"}',
      '{"key":"d"} x',
      '',
      '{"key":"e"}',
    ];
    const { rows, summary } = readingOf(ndjson, `${lines.join('\n')}\n`, { lenient: true });
    expect(rows.map((row) => row.segment)).toEqual(['a', 'e']);
    expect(summary.rejections.map((line) => line.slice(0, line.indexOf(',')))).toEqual([
      'input:2:12: expected one JSON object a line',
      'input:3:1: expected one JSON object a line',
      'input:4:1: expected a text or number that names the segment',
      'input:5:19: expected a whole number of bytes',
      'input:6:8: expected a text or number that names the segment',
      'input:7:13: expected one JSON object a line',
    ]);
    expect(readingOf(ndjson, '{"key":"a","size":1e300}\n').error).toMatch(
      /input:1:19: expected a whole number of bytes/,
    );
    expect(readingOf(ndjson, '{"key":"a","size":1.5}\n').error).toMatch(/input:1:19: expected a whole number of bytes/);
    expect(readingOf(ndjson, '{"key":"a","t_ms":-1e300}\n').error).toMatch(/input:1:19: expected a number or an ISO/);
    expect(readingOf(ndjson, '{"key":"a"}\n{"key":').error).toMatch(/^truncated: input:2:8/);
  });

  test('accepts exactly the values that JSON.parse accepts', () => {
    const isAccepted = (text: string) => {
      const bytes = new TextEncoder().encode(`${text}\n`);
      return valueEnd(bytes, 0) === bytes.length - 1;
    };
    const isJson = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(200),
        fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', 'u', 't'),
      )
      .map(([json, at, character]) => json.slice(0, at) + character + json.slice(at + 1));
    const text = fc.oneof(fc.json(), mutated).filter((one) => one === one.trim() && !one.includes('\n'));
    fc.assert(
      fc.property(text, (one) => {
        expect([one, isAccepted(one)]).toEqual([one, isJson(one)]);
      }),
      { numRuns: 1000 },
    );
    expect(valueEnd(new TextEncoder().encode('[1,,2]\n'), 0)).toBe(faultAt(3));
  });
});
