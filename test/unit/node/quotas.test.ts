import { describe, expect, test } from 'vitest';
import { ConsumerQuotas, quotasSchema } from '../../../actors/node/consumer-quotas.ts';
import { Disks, START_MS, testNode } from './test-node.ts';

/** Rows of a consumer, `everyMs` apart. */
const rowsOf = (consumer: string, count: number, everyMs: number, name = (i: number) => `/shared/${i % 5}`): object[] =>
  Array.from({ length: count }, (_, i) => ({ timeMs: START_MS - 3_600_000 + i * everyMs, segment: name(i), consumer }));

/** As a post, in the order of their times. */
function posted(...rows: readonly object[][]): string {
  const all = rows.flat() as { readonly timeMs: number }[];
  all.sort((a, b) => a.timeMs - b.timeMs);
  return all.map((row) => JSON.stringify(row)).join('\n');
}

describe('a consumer beyond its rate', () => {
  const quotas = { accessesPerSecondMax: 2, burstSeconds: 5 };

  test('is limited, counted and named, and the others are learned from as if it were not there', async () => {
    const { node, post, ask } = await testNode({ quotas });
    const quiet = rowsOf('quiet', 60, 1000);
    await post(
      '/v1/accesses',
      posted(
        quiet,
        rowsOf('noisy', 600, 100, (i) => `/noise/${i}`),
      ),
    );
    await node.intake.idle();
    // A burst of 10, and 2 for each of the 60 seconds.
    const learned = 10 + 2 * 59.9;
    const { told, limited, log } = node.status();
    expect(log.end).toBe(660);
    expect(told.limited.segments).toBe(0);
    expect(Math.abs(600 - learned - told.limited.rate)).toBeLessThanOrEqual(1);
    expect(limited).toEqual([{ consumer: 'noisy', rate: told.limited.rate, segments: 0 }]);
    expect(node.engine.position).toBe(660 - told.limited.rate);
    expect(node.engine.accessMap('/shared/0')!.count).toBe(12);
    expect(JSON.stringify((await ask('/metrics')).body)).toContain(
      `anteroom_consumer_limited_total{quota=\\"rate\\"} ${told.limited.rate}`,
    );
  });

  test('may have a rate of its own', async () => {
    const own = { consumers: [{ name: 'noisy', accessesPerSecondMax: 100 }] };
    const { node, post } = await testNode({ quotas: { ...quotas, ...own } });
    await post('/v1/accesses', posted(rowsOf('noisy', 600, 100)));
    await node.intake.idle();
    expect(node.status().told.limited).toEqual({ rate: 0, segments: 0 });
  });

  test('is limited the same after a restart in the middle', async () => {
    const disks = new Disks();
    const body = (from: number, to: number) => posted(rowsOf('noisy', 600, 100).slice(from, to));
    const whole = await testNode({ quotas });
    await whole.post('/v1/accesses', body(0, 600));
    await whole.node.intake.idle();
    const first = await testNode({ quotas }, { disks });
    await first.post('/v1/accesses', body(0, 300));
    await first.node.intake.idle();
    await first.node.checkpoint();
    await first.post('/v1/accesses', body(300, 350));
    await first.node.intake.idle();
    const second = await testNode({ quotas }, { disks });
    await second.post('/v1/accesses', body(350, 600));
    await second.node.intake.idle();
    expect(second.node.status().told.limited).toEqual(whole.node.status().told.limited);
    expect(second.node.engine.stats().digest).toBe(whole.node.engine.stats().digest);
  });
});

test('a consumer beyond its share of segments names no more of them, and still reads those that are known', async () => {
  const { node, post } = await testNode({ engine: { segmentsMax: 100 }, quotas: { segmentShareMax: 0.2 } });
  await post('/v1/accesses', posted(rowsOf('scanner', 400, 10, (i) => `/scan/${i}`)));
  await post('/v1/accesses', posted(rowsOf('reader', 30, 1000, (i) => `/page/${i % 15}`)));
  await post('/v1/accesses', posted(rowsOf('scanner', 10, 10, (i) => `/page/${i}`)));
  await node.intake.idle();
  const { told, limited } = node.status();
  expect(told.limited).toEqual({ rate: 0, segments: 380 });
  expect(limited).toEqual([{ consumer: 'scanner', rate: 0, segments: 380 }]);
  expect(node.engine.segments.count).toBe(35);
  expect(told.segmentsRefused).toBe(0);
  expect(node.engine.accessMap('/page/3')!.count).toBe(3);
});

test('what a consumer did not use is saved up for burstSeconds, and no longer', () => {
  const config = quotasSchema.parse({ accessesPerSecondMax: 2, burstSeconds: 5 });
  const quotas = new ConsumerQuotas(config, 100, String);
  const takenAt = (timeMs: number): number => Array.from({ length: 50 }).filter(() => quotas.takes(0, timeMs)).length;
  expect([takenAt(0), takenAt(1000), takenAt(3000), takenAt(3_600_000)]).toEqual([10, 2, 4, 10]);
});

test('accesses of nobody share one quota', async () => {
  const { node, post } = await testNode({ quotas: { accessesPerSecondMax: 1, burstSeconds: 1 } });
  const rows = rowsOf('x', 50, 100).map((row) => ({ ...row, consumer: undefined }));
  await post('/v1/accesses', posted(rows));
  await node.intake.idle();
  expect(node.status().limited).toEqual([{ consumer: null, rate: expect.any(Number), segments: 0 }]);
  expect(node.status().told.limited.rate).toBeGreaterThan(40);
});

test('consumers beyond consumersMax count as nobody, and how often that was is told', async () => {
  const { node, post } = await testNode({ engine: { consumersMax: 2 } });
  await post('/v1/accesses', posted(...['a', 'b', 'c', 'd'].map((consumer) => rowsOf(consumer, 3, 1000))));
  await node.intake.idle();
  expect(node.status().told).toMatchObject({ accesses: 12, consumersRefused: 6 });
});
