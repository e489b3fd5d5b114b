import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';
import type { AccessSink } from '../../../streams/access-sink.ts';
import { csv, DelimitedParser } from '../../../streams/sources/delimited.ts';
import { LineDecoder, type LineParser } from '../../../streams/sources/line-decoder.ts';
import { readingOf } from './rows-of.ts';

/** Keeps the lines that it is given. */
class LineKeeper implements LineParser {
  line = 1;
  readonly lines: string[] = [];

  parse(bytes: Uint8Array, start: number, end: number, _sink: AccessSink, _isLast: boolean): number {
    expect(bytes[end - 1]).toBe(10);
    const lines = new TextDecoder('latin1').decode(bytes.subarray(start, end - 1)).split('\n');
    this.lines.push(...lines);
    this.line += lines.length;
    return end;
  }
}

const MIB = 1024 * 1024;

describe('lines out of chunks', () => {
  test('are the lines of the text, however it is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (content, cuts) => {
        const keeper = new LineKeeper();
        const decoder = new LineDecoder(keeper);
        const sink = new AccessBatchBuilder({ file: 'input' });
        const bytes = new TextEncoder().encode(content);
        let from = 0;
        for (const cut of [...cuts.map((c) => Math.min(c, bytes.length)).sort((a, b) => a - b), bytes.length]) {
          decoder.write(bytes.slice(from, cut), sink);
          from = cut;
        }
        decoder.end(sink);
        const expected = content.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(keeper.lines).toEqual(expected);
      }),
    );
  });

  test('a line of 16 MiB is read and a longer one refused, with the lines after it where they are', () => {
    const header = 'key,size\n';
    const longest = `${'x'.repeat(16 * MIB - 3)},1\n`;
    const tooLong = `${'y'.repeat(16 * MIB)},2\n`;
    for (const cuts of [[], Array.from({ length: 40 }, (_, i) => i * MIB + 17)]) {
      const { rows, summary } = readingOf(csv, `${header}${longest}${tooLong}z,3\nw,x\n`, { lenient: true, cuts });
      expect(rows.map((row) => [row.segment.length, row.size])).toEqual([
        [16 * MIB - 3, 1],
        [1, 3],
      ]);
      expect(summary.rejections).toEqual([
        'input:3: expected a record of at most 16777216 bytes, found a longer one, or a quote that is not closed',
        'input:5:3: expected a whole number of bytes in column size, found x',
      ]);
    }
  });

  test('a quote that is never closed costs its own line also in a text longer than a record may be', () => {
    const line = `${'x'.repeat(99)},1\n`;
    const count = Math.ceil((3 * MIB) / line.length);
    const builder = new AccessBatchBuilder({ file: 'input', isLenient: true });
    const decoder = new LineDecoder(new DelimitedParser('csv', {}), MIB);
    const bytes = new TextEncoder().encode(`key,size\n"a,1\n${line.repeat(count)}`);
    for (let at = 0; at < bytes.length; at += 300_000) decoder.write(bytes.subarray(at, at + 300_000), builder);
    decoder.end(builder);
    const { accessCount, rejections } = builder.summary();
    expect(accessCount).toBe(count);
    expect(rejections).toHaveLength(1);
    expect(rejections[0]).toMatch(/^input:2: expected a record of at most 1048576 bytes/);
  });
});
