import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FormatOptions, StreamFormat } from '../../streams/format.ts';
import { clf } from '../../streams/sources/clf.ts';
import { cloudfront } from '../../streams/sources/cloudfront.ts';
import { csv, tsv } from '../../streams/sources/delimited.ts';
import { ndjson } from '../../streams/sources/ndjson.ts';
import { s3AccessLog } from '../../streams/sources/s3-access-log.ts';
import { readingOf } from '../unit/sources-text/rows-of.ts';

/** Lines of each format, good and bad; a text is any of them in any order, so what follows a bad one is tried too. */
const clfLines = [
  '10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=1#c HTTP/1.1" 200 203 "-" "Agent (x; y)"',
  'h - u [17/May/2015:10:05:04 +0200] "PUT /a b HTTP/1.0" 304 -',
  'h - u [17/May/2015:10:05:04 +0200] "GET /x" y" HTTP/1.0" 404 7',
  'h - u [17/Mai/2015:10:05:04 +0200] "GET /x HTTP/1.0" 200 7',
  'nonsense',
  '',
  '\r',
];
const s3Lines = [
  'own buck [06/Feb/2019:00:00:38 +0000] 192.0.2.3 req 3E57 REST.GET.OBJECT k%20e "GET /buck/k HTTP/1.1" 200 - 113 4406 7 - "-" "S3 \\"C\\"" - host= SigV4',
  'own buck [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57 REST.PUT.OBJECT kk "PUT /buck/k HTTP/1.1" 200 - - 4406',
  'own buck [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57 REST.GET.ACL - "GET /buck?acl HTTP/1.1" 200 - 1 -',
  'own buck [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57 REST.GET.OBJECT - "GET',
  'own buck',
  '',
];
const cloudfrontLines = [
  '#Version: 1.0',
  '#Fields: date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status cs-uri-query',
  '2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\t/index.html\t200\tx=1',
  '2019-12-04\t21:02:32\tLAX1\t392\t192.0.2.100\tGET\t/index.html\t502\t-',
  '2019-12-04\t21:02:32\tLAX1\t392',
  '',
];
const csvLines = [
  'a,1,2',
  '"a,""b",1,2',
  '"x\ny\r\nz",,-1',
  'k,1.5,bad',
  'k,1',
  'k,1,2,3',
  '"open',
  'é,,',
  '',
  '\r',
  '"q"w,1,2',
];
const ndjsonLines = [
  '{"key":"a","ts":1}',
  '{"ts":2,"key":"\\u00e9\\n","user":{"id":3}}',
  '{"key":',
  '[]',
  '{"key":12,"op":"PUT"}',
  '',
  ' ',
];

const formats: readonly [StreamFormat, string, readonly string[], FormatOptions?][] = [
  [csv, 'key,time_s,size\n', csvLines],
  [csv, '\ufeff"key","size\n(bytes)",time\r\n', csvLines],
  [csv, '', csvLines, { columns: { segment: '1', time: '2' }, delimiter: ',' }],
  [tsv, 'key\ttime_s\tsize\n', csvLines.map((line) => line.replaceAll(',', '\t'))],
  [ndjson, '', ndjsonLines],
  [ndjson, '', ndjsonLines, { columns: { consumer: 'user.id' } }],
  [clf, '', clfLines],
  [s3AccessLog, '', s3Lines],
  [cloudfront, '', cloudfrontLines],
];

describe('a text log', () => {
  test.each(formats.map((entry, i) => [entry[0].name, i] as const))(
    '%s (%i) gives the same rows, rejections and counts however its bytes are cut',
    (_, index) => {
      const [format, head, lines, options] = formats[index]!;
      const text = fc
        .tuple(fc.array(fc.constantFrom(...lines), { maxLength: 8 }), fc.boolean(), fc.nat(400))
        .map(([chosen, isEnded, length]) =>
          `${head}${chosen.join('\n')}${isEnded ? '\n' : ''}`.slice(0, head.length + length),
        );
      const cuts = fc.oneof(fc.array(fc.nat(500), { maxLength: 12 }), fc.constant('everywhere' as const));
      fc.assert(
        fc.property(text, cuts, fc.boolean(), (content, places, lenient) => {
          const whole = readingOf(format, content, { ...options, lenient });
          const everywhere = Array.from({ length: content.length * 2 }, (_, i) => i);
          const cut = readingOf(format, content, {
            ...options,
            lenient,
            cuts: places === 'everywhere' ? everywhere : places,
          });
          expect(cut).toEqual(whole);
        }),
        { numRuns: 300 },
      );
    },
  );

  test.each(formats.map((entry, i) => [entry[0].name, i] as const))(
    '%s (%i) ends in rows, rejections or an error that is named, whatever the bytes',
    (_, index) => {
      const [format, head, lines, options] = formats[index]!;
      const noise = fc.uint8Array({ maxLength: 40 });
      fc.assert(
        fc.property(fc.constantFrom(...lines), noise, fc.nat(100), fc.boolean(), (line, bytes, at, lenient) => {
          const good = new TextEncoder().encode(`${head}${line}\n`);
          const place = Math.min(head.length + at, good.length);
          const content = Buffer.concat([good.subarray(0, place), bytes, good.subarray(place)]);
          // readingOf lets anything but an AnteroomError through, which fails here.
          const { error, rows } = readingOf(format, content, { ...options, lenient });
          if (lenient && error !== null) expect(error).toMatch(/^bad-usage/);
          for (const row of rows) expect(row.size === -1 || row.size >= 0).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
  );
});
