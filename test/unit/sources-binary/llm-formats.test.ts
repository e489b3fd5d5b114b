import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import { exponential } from '../../../streams/sources/exponential.ts';
import { llmAgentic } from '../../../streams/sources/llm-agentic.ts';
import { llmMooncake } from '../../../streams/sources/llm-mooncake.ts';
import { detectOf, readTrace, rows, rowsOf } from './read-trace.ts';

describe('llm-mooncake', () => {
  const text =
    '{"timestamp":0,"input_length":1000,"output_length":5,"hash_ids":[46,1099511627776]}\n' +
    '{"timestamp":27,"input_length":900,"output_length":5,"hash_ids":[46]}\n';

  test('a request is one access per block, in order', () => {
    expect(rows(llmMooncake, text).map((row) => [row.timeMs, row.segment, row.consumer, row.size])).toEqual([
      [0, '46', null, -1],
      [0, '1099511627776', null, -1],
      [27, '46', null, -1],
    ]);
  });

  test('refuses lines that are no request, with their number', () => {
    expect(() => rows(llmMooncake, `${text}{"timestamp":30}\n`)).toThrow(/trace:3.*hash_ids/);
    expect(() => rows(llmMooncake, `${text}{"timestamp":30,"hash_ids":[1.5]}\n`)).toThrow(/whole numbers.*1.5/);
    expect(() => rows(llmMooncake, `${text}{"timestamp":1e999,"hash_ids":[1]}\n`)).toThrow(/trace:3.*milliseconds/);
    expect(() => rows(llmMooncake, `${text}{"timestamp":30,"hash_`)).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
    const lenient = readTrace(llmMooncake, new TextEncoder().encode(`nonsense\n${text}`), { isLenient: true });
    expect([lenient.summary.rejectedCount, lenient.summary.accessCount]).toEqual([1, 3]);
  });

  test('is recognised even where the first line is longer than the head', () => {
    expect(detectOf(llmMooncake, text)).toBeGreaterThan(0.9);
    expect(detectOf(llmMooncake, '{"timestamp":0,"input_length":9,"hash_ids":[1,2,3,', false)).toBeGreaterThan(0.5);
    expect(detectOf(llmMooncake, '{"session":0,"block_tokens":64}\n')).toBe(0);
  });
});

interface Request {
  readonly s: number;
  readonly t: number;
  readonly d: number;
  readonly keep: number;
  readonly add: readonly number[];
}

/** Two sessions that overlap in time whatever the gap between them, for the first lasts a day. */
const sessions: readonly (readonly Request[])[] = [
  [
    { s: 0, t: 0, d: 0, keep: 0, add: [10, 11, 12] },
    { s: 0, t: 1, d: 1, keep: 0, add: [20] },
    { s: 0, t: 2, d: 0, keep: 2, add: [13] },
    { s: 0, t: 3, d: 1, keep: 1, add: [21] },
    { s: 0, t: 86_400, d: 0, keep: 3, add: [14] },
  ],
  [
    { s: 1, t: 0, d: 0, keep: 0, add: [10, 30] },
    { s: 1, t: 5, d: 0, keep: 1, add: [31] },
  ],
];
const agentic = sessions
  .map((requests, i) =>
    [{ session: i, block_tokens: 64 }, ...requests].map((line) => `${JSON.stringify(line)}\n`).join(''),
  )
  .join('');

describe('llm-agentic', () => {
  test('blocks are what is kept of the previous request at the same depth, then what is added', () => {
    const blocks = rows(llmAgentic, agentic)
      .filter((row) => row.consumer === '0')
      .map((row) => Number(row.segment));
    expect(blocks).toEqual([10, 11, 12, 20, 10, 11, 13, 20, 21, 10, 11, 13, 14]);
  });

  test('sessions interleave by time, and a session is its consumer', () => {
    const found = rows(llmAgentic, agentic);
    const times = found.map((row) => row.timeMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(found.filter((row) => row.consumer === '1').map((row) => row.segment)).toEqual(['10', '30', '10', '31']);
    expect(found.at(-1)!.consumer).toBe('0');
  });

  test('ids follow the order of emission, so a held request shows nothing of itself', () => {
    const { batches } = readTrace(llmAgentic, new TextEncoder().encode(agentic));
    let next = 0;
    for (const segment of batches.flatMap((batch) => [...batch.segment])) {
      expect(segment).toBeLessThanOrEqual(next);
      if (segment === next) next++;
    }
  });

  test('the seed places the sessions: the same one alike, another elsewhere', () => {
    const startOf = (seed?: number): number => {
      const found = rows(llmAgentic, agentic, seed === undefined ? {} : { seed });
      return found.find((row) => row.consumer === '1')!.timeMs;
    };
    expect(startOf()).toBe(startOf(1));
    expect(new Set([startOf(1), startOf(2), startOf(3)]).size).toBe(3);
    expect(Number.isInteger(startOf(1))).toBe(true);
  });

  test('refuses a keep beyond the previous request and a request outside its session', () => {
    const bad = (line: object): string => `{"session":0,"block_tokens":64}\n${JSON.stringify(line)}\n`;
    expect(() => rows(llmAgentic, bad({ s: 0, t: 0, d: 0, keep: 1, add: [] }))).toThrow(/trace:2.*keep/);
    expect(() => rows(llmAgentic, bad({ s: 9, t: 0, d: 0, keep: 0, add: [] }))).toThrow(/session 0/);
    expect(() => rows(llmAgentic, '{"s":0,"t":0,"d":0,"keep":0,"add":[1]}\n')).toThrow(/opens a session/);
  });

  test('ends by parts as it ends at once', () => {
    const trace = readTrace(llmAgentic, new TextEncoder().encode(agentic));
    expect(rowsOf(trace)).toEqual(rows(llmAgentic, agentic, { cuts: [1] }));
  });
});

describe('exponential', () => {
  test('has mean 1, variance 1 and the tail of the exponential distribution', () => {
    const random = new Xoshiro128(7);
    const draws = Array.from({ length: 200_000 }, () => exponential(random));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    // Five standard errors: 1 / sqrt(n) for the mean, sqrt(8 / n) for the variance.
    expect(Math.abs(mean - 1)).toBeLessThan(5 / Math.sqrt(draws.length));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(8 / draws.length));
    for (const x of [0.25, 1, 3]) {
      const tail = draws.filter((draw) => draw > x).length / draws.length;
      expect(Math.abs(tail - Math.exp(-x))).toBeLessThan(
        5 * Math.sqrt((Math.exp(-x) * (1 - Math.exp(-x))) / draws.length),
      );
    }
  });
});
