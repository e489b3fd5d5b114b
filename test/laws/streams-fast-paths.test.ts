import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import { AccessRows } from '../../streams/access-rows.ts';
import { hashesOf } from '../../streams/codec/name-hashes.ts';
import { Interner } from '../../streams/interner.ts';
import { hashBytes } from '../../streams/name-hash.ts';
import { FieldScan } from '../../streams/sources/field-scan.ts';
import { openSource } from '../../streams/sources/open.ts';

const field = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z]{0,3}[/.][a-zé-]{0,25}$/) },
  { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 10n ** 19n }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 2000 }).map(String) },
  { weight: 3, arbitrary: fc.constantFrom('-1', '-', '', 'NA', 'null', ' 7', '7 ', '1.5', '1e3', '007', 'r', 'PUT') },
  { weight: 1, arbitrary: fc.constantFrom('"q,\n"', '"a""b"', 'a"b', '2015-05-17T10:05:03Z', '\r', 'x\r') },
);
const plainRow = fc
  .tuple(fc.nat(5000), fc.nat(30), fc.nat(300))
  .map(([t, n, s]) => `${t},host-${n},/path/of/${n},${s}`);
const row = fc.oneof(
  { weight: 12, arbitrary: plainRow },
  { weight: 4, arbitrary: fc.array(field, { minLength: 4, maxLength: 4 }).map((fields) => fields.join(',')) },
  { weight: 1, arbitrary: fc.array(field, { maxLength: 7 }).map((fields) => fields.join(',')) },
);
const text = fc
  .tuple(fc.array(row, { maxLength: 80 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([rows, end, isEnded]) => `t_ms,client,object,size${end}${rows.join(end)}${isEnded ? end : ''}`);

const host = fc.constantFrom('10.0.0.1', 'a.example.net', '-', 'v.example.net:80 10.0.0.2', '', '::1');
const user = fc.constantFrom('- -', '- -', '- bob', 'ident bob', '-  -', '- [x');
const time = fc
  .tuple(
    fc.integer({ min: 10, max: 29 }),
    fc.integer({ min: 10, max: 63 }),
    fc.constantFrom('+0000', '-0130', '+00', 'x0000'),
  )
  .map(([day, second, zone]) => `${day}/May/2015:10:05:${second} ${zone}`);
const request = fc.oneof(
  { weight: 8, arbitrary: fc.nat(40).map((n) => `GET /a/page-${n}?q=${n} HTTP/1.1`) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'HEAD / HTTP/1.0',
      'POST /x#part HTTP/1.1',
      'PUT /a b HTTP/2',
      'GET /x" 7 y HTTP/1.1',
      'GET /\\"x HTTP/1.1',
      'GET /x',
      'get / HTTP/1.1',
      'GET  HTTP/1.1',
      '-',
      '',
      'GET /x  HTTP/1.1',
      'GET /x HTTP/1.1 ',
      'GET HTTP/1.1',
      'DELETE /x##y',
      'GET #',
    ),
  },
);
const status = fc.constantFrom('200', '200', '206', '304', '404', '500', '20', '2000', '-', '1x9');
const size = fc.oneof(fc.nat(99999).map(String), fc.constantFrom('-', '0', '1234567890123456', '12x', ''));
const tail = fc.constantFrom('', ' "-" "Agent (x; y)"', ' "http://r/" "A \\"q\\" b"', ' "open', '\r', ' ');
const clfLine = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(host, user, time, request, status, size, tail)
      .map(([h, u, t, r, c, n, rest]) => `${h} ${u} [${t}] "${r}" ${c} ${n}${rest}`),
  },
  {
    weight: 20,
    arbitrary: fc
      .nat(99)
      .map(
        (n) => `10.0.0.${n % 7} - - [17/May/2015:10:0${n % 6}:03 +0000] "GET /p/${n} HTTP/1.1" 200 ${n} "-" "Agent"`,
      ),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '\r', 'nonsense', 'x'.repeat(400)) },
);
const clfText = fc
  .tuple(fc.array(clfLine, { maxLength: 60 }), fc.boolean())
  .map(([lines, isEnded]) => `${lines.join('\n')}${isEnded ? '\n' : ''}`);

/** All that a reader says; `limit` takes the rows one by one, since a limit has to stop after its last row. */
async function readingOf(format: string, bytes: Uint8Array, limit: number | undefined): Promise<unknown> {
  const source = await openSource(bytes, {
    format,
    lenient: true,
    rowsMax: 7,
    ...(limit === undefined ? {} : { limit }),
  });
  const rows: unknown[] = [];
  for await (const batch of source.batches)
    for (let i = 0; i < batch.length; i++)
      rows.push([
        batch.timeMs[i],
        batch.segment[i],
        source.names.segments.nameOf(batch.segment[i]!),
        batch.consumer[i],
        batch.site[i],
        batch.op[i],
        batch.size[i],
        batch.weight[i],
      ]);
  const { segments, consumers } = source.names;
  const names = [segments, consumers].map((table) => Array.from({ length: table.count }, (_, id) => table.nameOf(id)));
  return { rows, names, summary: source.summary() };
}

describe('fast paths', () => {
  test('delimited records read in blocks and one by one give the same rows, ids, names and refusals', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (content) => {
        const bytes = new TextEncoder().encode(content);
        expect(await readingOf('csv', bytes, undefined)).toEqual(await readingOf('csv', bytes, 1e9));
      }),
      { numRuns: 400 },
    );
  });

  test('log lines read in blocks and one by one give the same rows, ids, names and refusals', async () => {
    await fc.assert(
      fc.asyncProperty(clfText, async (content) => {
        const bytes = new TextEncoder().encode(content);
        expect(await readingOf('clf', bytes, undefined)).toEqual(await readingOf('clf', bytes, 1e9));
      }),
      { numRuns: 600 },
    );
  });

  test('fields found and numbers read by WebAssembly are those of the loops in TypeScript', () => {
    const bytes = fc.array(fc.constantFrom(...[...'0123456789,,,\n\n\r-a/'].map((c) => c.charCodeAt(0))), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(
        bytes,
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(20),
        (content, columnCount, rowsMax, from) => {
          const scans = [true, false].map((isWasm) => new FieldScan(columnCount, rowsMax, 44, isWasm));
          const answers = scans.map((scan) => {
            scan.text.fill(0);
            scan.text.set(content);
            const end = scan.scan(Math.min(from, content.length), content.length);
            const columns = Array.from({ length: columnCount }, (_, index) => {
              scan.column(index);
              scan.readNumbers();
              const count = scan.rowCount;
              return [scan.starts.slice(0, count), scan.ends.slice(0, count), scan.numbers.slice(0, count)];
            });
            return { end, rowCount: scan.rowCount, rowStarts: scan.rowStarts.slice(0, scan.rowCount + 1), columns };
          });
          expect(answers[0]).toEqual(answers[1]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('names hashed by WebAssembly have the hash of the interner', () => {
    const scan = new FieldScan(2, 64, 44);
    const names = fc.array(fc.stringMatching(/^[!-+--~]{0,40}$/), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(names, fc.integer(), (list, seed) => {
        const content = new TextEncoder().encode(list.map((name) => `${name},x\n`).join(''));
        scan.text.set(content);
        scan.scan(0, content.length);
        expect(scan.rowCount).toBe(list.length);
        scan.column(0);
        const hashes = scan.hashNames(seed);
        const view = new DataView(scan.text.buffer);
        for (let i = 0; i < list.length; i++)
          expect(hashes![i]).toBe(hashBytes(view, scan.starts[i]!, scan.ends[i]!, seed));
      }),
    );
  });

  test('names of a frame have the hash of the interner, wherever they begin; more than there is room for are left to it', () => {
    const names = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(names, fc.integer(), fc.nat(20), (list, seed, before) => {
        const offsets = Int32Array.of(before, ...list.map(() => 0));
        for (const [i, one] of list.entries()) offsets[i + 1] = offsets[i]! + one.length;
        const bytes = new Uint8Array(offsets[list.length]! + 3);
        for (const [i, one] of list.entries()) bytes.set(one, offsets[i]!);
        const hashes = hashesOf({ bytes, offsets, count: list.length }, seed)!;
        const view = new DataView(bytes.buffer);
        const expected = list.map((_, i) => hashBytes(view, offsets[i]!, offsets[i + 1]!, seed));
        expect([...hashes]).toEqual(expected);
      }),
    );
    const wide = { bytes: new Uint8Array(2 ** 20), offsets: Int32Array.of(0, 2 ** 20), count: 1 };
    expect(hashesOf(wide, 0)).toBeNull();
    expect(hashesOf({ bytes: new Uint8Array(0), offsets: new Int32Array(10_001), count: 10_000 }, 0)).toBeNull();
  });

  test('a column of names gets the ids that they get one by one', () => {
    const name = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(3000).map((n) => new TextEncoder().encode(`${n}`)),
    );
    fc.assert(
      fc.property(fc.array(fc.option(name), { maxLength: 700 }), (list) => {
        const bytes = Buffer.concat(list.map((one) => one ?? new Uint8Array(1)));
        let at = 0;
        const starts = Int32Array.from(list, (one) => {
          const start = at;
          at += one?.length ?? 1;
          return one === null ? -1 : start;
        });
        const ends = Int32Array.from(list, (one, i) => starts[i]! + (one?.length ?? 0));
        const ids = new Int32Array(list.length);
        const byColumn = new Interner({ countHint: 0 });
        byColumn.internColumn(bytes, starts, ends, list.length, ids);
        const oneByOne = new Interner({ countHint: 0 });
        expect([...ids]).toEqual(list.map((one) => (one === null ? -1 : oneByOne.internBytes(one, 0, one.length))));
        expect(byColumn.count).toBe(oneByOne.count);
      }),
    );
  });

  test('rows appended together make the batches that they make one by one', () => {
    const access = fc.record({
      timeMs: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 50 })),
      segment: fc.nat(9),
      consumer: fc.integer({ min: -1, max: 3 }),
      size: fc.integer({ min: -1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(access, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.option(fc.nat(40)),
        (list, rowsMax, limit) => {
          const options = { file: 'f', rowsMax, ...(limit === null ? {} : { limit }) };
          const together = new AccessBatchBuilder(options);
          const apart = new AccessBatchBuilder(options);
          const rows = new AccessRows(60);
          for (const [i, { timeMs, segment, consumer, size }] of list.entries()) {
            apart.append(timeMs, segment, consumer, -1, 0, size, 1);
            rows.timeMs[i] = timeMs;
            rows.segment[i] = segment;
            rows.consumer[i] = consumer;
            rows.size[i] = size;
          }
          together.appendRows(rows, list.length);
          expect(together.summary()).toEqual(apart.summary());
          for (;;) {
            const batch = together.takeRest();
            expect(batch).toEqual(apart.takeRest());
            if (batch === null) break;
          }
        },
      ),
    );
  });
});
