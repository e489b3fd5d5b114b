import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { farLoopConfigSchema } from '../../../actors/far-loop-config.ts';
import { insightOf } from '../../../sim/replay/insight.ts';
import { Trace } from '../../../sim/replay/trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

function csv(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function withTrace<T>(path: string, body: (trace: Trace) => Promise<T>, options = {}): Promise<T> {
  const trace = await Trace.open(path, { seed: 1, addressBytes: null, ...options });
  try {
    return await body(trace);
  } finally {
    await trace.close();
  }
}

describe('trace', () => {
  const rows = 't_ms,client,object,size\n1000,a,x,10\n2000,b,y,20\n3000,a,x,15\n9000,b,z,5\n';

  test('the census counts accesses, segments, consumers, bytes requested and bytes of first sights', async () => {
    await withTrace(csv('census.csv', rows), async (trace) => {
      expect(trace.format).toBe('csv');
      expect(trace.facts).toEqual({
        accessCount: 4,
        segmentCount: 3,
        distinctCount: 3,
        consumerCount: 2,
        requestedBytes: 50,
        footprintBytes: 35,
        timeSpanMs: [1000, 9000],
      });
    });
  });

  test('its batches can be read again and again, whatever their length', async () => {
    for (const rowsMax of [1, 3, 1000]) {
      await withTrace(
        csv('again.csv', rows),
        async (trace) => {
          for (let pass = 0; pass < 2; pass++) {
            const segments: number[] = [];
            for await (const batch of trace.batches()) segments.push(...batch.segment.subarray(0, batch.length));
            expect(segments.map((segment) => trace.segments.nameOf(segment))).toEqual(['x', 'y', 'x', 'z']);
          }
        },
        { rowsMax },
      );
    }
  });

  test('without times there is no span, without sizes no bytes', async () => {
    await withTrace(csv('bare.csv', 'object\na\nb\n'), async (trace) => {
      expect(trace.facts).toMatchObject({ timeSpanMs: null, requestedBytes: 0, footprintBytes: 0, consumerCount: 0 });
      expect(trace.summary).toMatchObject({ hasTime: false, hasSize: false });
    });
  });

  test('limit ends the reading early', async () => {
    await withTrace(csv('limit.csv', rows), async (trace) => expect(trace.facts.accessCount).toBe(2), { limit: 2 });
  });

  test('a log without an access is refused with its name', async () => {
    await expect(withTrace(csv('empty.csv', 't_ms,object\n'), async () => {})).rejects.toMatchObject({
      code: 'bad-record',
      message: expect.stringMatching(/empty\.csv: expected at least one access/),
    });
  });

  test('a workload is a trace; a bad parameter is refused', async () => {
    await withTrace('workload:uniform,accesses=500,segments=40', async (trace) => {
      expect(trace.facts.accessCount).toBe(500);
      expect(trace.facts.segmentCount).toBeLessThanOrEqual(40);
    });
    for (const name of ['workload:nope', 'workload:uniform,accesses', 'workload:uniform,colour=3', 'workload:']) {
      await expect(withTrace(name, async () => {})).rejects.toMatchObject({ code: 'bad-usage' });
    }
  });

  test('another seed is another workload', async () => {
    const first = async (seed: number) =>
      withTrace('workload:uniform,accesses=50', async (trace) => trace.segments.nameOf(0), { seed });
    expect(await first(1)).toBe(await first(1));
    expect([await first(2), await first(3), await first(4)]).not.toEqual(new Array(3).fill(await first(1)));
  });
});

describe('insight', () => {
  test('the hottest segments come with their hours of the week, and a certain successor with confidence 1', async () => {
    // Monday, 1 January 2024: at 09:30 and 09:31 of every day for two weeks, "in" and then "out"; noise between.
    const start = Date.UTC(2024, 0, 1);
    const lines = ['t_ms,client,object'];
    for (let day = 0; day < 14; day++) {
      lines.push(`${start + day * 86_400_000 + 1000},c,noise-${day}`);
      lines.push(`${start + day * 86_400_000 + 9.5 * 3_600_000},c,in`);
      lines.push(`${start + day * 86_400_000 + 9.5 * 3_600_000 + 60_000},c,out`);
    }
    await withTrace(csv('hours.csv', `${lines.join('\n')}\n`), async (trace) => {
      const insight = await insightOf(trace);
      expect(insight).toMatchObject({
        accesses: 42,
        segments: 16,
        consumers: 1,
        timeSpanMs: [start + 1000, expect.any(Number)],
      });
      const hot = insight.hotByHourOfWeek.find((row) => row.segment === 'in')!;
      expect(hot.total).toBe(14);
      const expected = new Array<number>(168).fill(0);
      for (let day = 0; day < 7; day++) expected[day * 24 + 9] = 2;
      expect(hot.hours).toEqual(expected);
      const edge = insight.dependencies.find(({ from, to }) => from === 'in' && to === 'out')!;
      expect(edge.confidence).toBeGreaterThan(0.9);
      expect(edge.lagMs).toBeCloseTo(60_000, -3);
    });
  });

  test('a write is no demand where --writes says so', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i * 1000},c,${i % 2 === 0 ? 'read,r' : 'written,w'}\n`);
    await withTrace(csv('ops.csv', `t_ms,client,object,op\n${rows.join('')}`), async (trace) => {
      const named = async (writes: 'access' | 'ignore' | 'invalidate') => {
        const { hotByHourOfWeek, dependencies } = await insightOf(trace, { writes });
        return { hot: hotByHourOfWeek.map((row) => row.segment).sort(), edges: dependencies.length };
      };
      expect(await named('access')).toEqual({ hot: ['read', 'written'], edges: 2 });
      expect(await named('ignore')).toEqual({ hot: ['read'], edges: 0 });
      expect(await named('invalidate')).toEqual(await named('ignore'));
    });
  });

  test("the far loop's settings of aggregator and graph builder act", async () => {
    // At 23:30 UTC, hour 23 of the week; in Berlin it is the next day's first hour.
    const start = Date.UTC(2024, 0, 1, 23, 30);
    const rows = Array.from({ length: 60 }, (_, i) => `${start + i * 1000},c,${['a', 'b', 'c'][i % 3]}\n`);
    await withTrace(csv('far.csv', `t_ms,client,object\n${rows.join('')}`), async (trace) => {
      const insight = (settings: object) => insightOf(trace, { farLoop: farLoopConfigSchema.parse(settings) });
      const usual = await insight({});
      const ahead = await insight({ timeZone: 'Europe/Berlin' });
      expect(usual.hotByHourOfWeek[0]!.hours[23]).toBe(20);
      expect(ahead.hotByHourOfWeek[0]!.hours[24]).toBe(20);
      expect(ahead.timeZone).toBe('Europe/Berlin');
      const near = await insight({ graphBuilder: { lookahead: 1 } });
      expect(near.dependencies.length).toBeLessThan(usual.dependencies.length);
    });
  });

  test('without times there are no hours and no lags', async () => {
    await withTrace(csv('order.csv', `object\n${'a\nb\nc\n'.repeat(20)}`), async (trace) => {
      const insight = await insightOf(trace);
      expect(insight.hotByHourOfWeek).toEqual([]);
      expect(insight.dependencies.length).toBeGreaterThan(0);
      expect(insight.dependencies.every((edge) => edge.lagMs === null)).toBe(true);
    });
  });
});
