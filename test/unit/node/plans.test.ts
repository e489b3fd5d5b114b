import { describe, expect, test } from 'vitest';
import type { DeliveryEnd, OutgoingRequest, Sink } from '../../../actors/node/sinks/sink.ts';
import { ndjson, START_MS, type TestNode, testNode } from './test-node.ts';

/** A sink that answers nothing until it is told to. */
class SilentSink implements Sink {
  readonly name = 'silent';
  readonly requests: OutgoingRequest[] = [];
  readonly #waiting: ((end: DeliveryEnd) => void)[] = [];

  deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    this.requests.push(request);
    return new Promise((settle) => this.#waiting.push(settle));
  }

  answer(): void {
    for (const settle of this.#waiting.splice(0)) settle({ kind: 'done', sizeBytes: 100 });
  }
}

interface PlansAnswer {
  readonly mode: string;
  readonly counts: Record<string, number>;
  readonly considered: Record<string, number> | null;
  readonly plans: readonly {
    readonly segment: string;
    readonly state: string;
    readonly probability: number | null;
    readonly savesMs: number | null;
    readonly reason: string;
    readonly request: { readonly key: string; readonly deadlineMs: number; readonly isSent: boolean } | null;
  }[];
}

async function settled({ node }: TestNode): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await node.intake.idle();
    await new Promise((done) => setImmediate(done));
  }
}

const round = Array.from({ length: 10 }, (_, i) => `/page-${i}`);
const plansOf = async ({ ask }: TestNode, query = ''): Promise<PlansAnswer> =>
  (await ask(`/v1/plans${query}`)).body as PlansAnswer;

describe('plans', () => {
  test('show what was handed out and not answered as open, with its key, value and reason', async () => {
    const sink = new SilentSink();
    const one = await testNode(
      { engine: { capacity: 4, trafficMax: null, live: { concurrencyMax: 2 } } },
      { sinks: [sink] },
    );
    await one.post('/v1/accesses', ndjson(Array.from({ length: 400 }, (_, i) => round[i % 10]!)));
    await settled(one);
    const { mode, counts, plans } = await plansOf(one);
    expect(mode).toBe('prefetching');
    const open = plans.filter(({ state }) => state === 'open');
    expect(open.length).toBe(counts.open);
    expect(open.length).toBeGreaterThan(0);
    const sent = new Set(sink.requests.map(({ segment }) => segment));
    expect(open.some(({ request }) => request!.isSent)).toBe(true);
    for (const { request, reason, segment } of open) {
      // One that took the place of another is answered by the fetch of that one.
      if (request!.isSent) expect(sent).toContain(segment);
      expect(request!.deadlineMs).toBeGreaterThan(0);
      expect(reason).toMatch(/expects it to be asked for/);
    }
    const planned = open.find(({ savesMs }) => savesMs !== null)!;
    expect(planned.savesMs).toBeGreaterThan(0);
    expect(planned.probability).toBeGreaterThan(0);
    sink.answer();
  });

  test('name the state and the reason of each where nothing is fetched in truth, and keep to state and limit', async () => {
    const one = await testNode({ engine: { capacity: 4, trafficMax: null } });
    await one.post('/v1/accesses', ndjson(Array.from({ length: 400 }, (_, i) => round[i % 10]!)));
    await settled(one);
    const all = await plansOf(one);
    const { prefetches, cache } = one.node.engine.stats();
    const ended = prefetches.useful + prefetches.late + prefetches.wasted + prefetches.cancelled + prefetches.stale;
    // Every prefetch that was sent and has not ended is one of them, and no other.
    expect(all.counts.open! + all.counts.staged!).toBe(prefetches.issued - ended);
    expect(all.counts.open).toBe(cache.inFlight);
    expect(all.plans.length).toBeGreaterThan(0);
    for (const { reason, request } of all.plans) {
      expect(reason).toMatch(/in the model$/);
      expect(request).toBeNull();
    }
    const [first] = all.plans;
    const same = await plansOf(one, `?state=${first!.state}&limit=1`);
    expect(same.plans).toEqual([first]);
    expect((await one.ask('/v1/plans?state=nonsense')).status).toBe(400);
  });

  test('tell what became of the candidates of the far loop, each counted once', async () => {
    const one = await testNode({ engine: { capacity: 4, trafficMax: null } });
    // Far more segments than fit, over an hour: the forecaster speaks once it knows how right it is.
    const drawn = Array.from({ length: 4000 }, (_, i) => `/page-${(i * i + (i >> 3)) % 300}`);
    await one.post('/v1/accesses', ndjson(drawn));
    await settled(one);
    const { considered } = await plansOf(one);
    const { candidates, cancelled: _, expired: __, ...fates } = considered as Record<string, number>;
    expect(candidates).toBeGreaterThan(0);
    expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(candidates);
    const off = await testNode({ engine: { farLoop: { isEnabled: false } } });
    expect((await plansOf(off)).considered).toBeNull();
  });
});

describe('demand', () => {
  const hourMs = 3_600_000;
  const daysBack = 15;
  const fromMs = Math.floor(START_MS / (24 * hourMs)) * 24 * hourMs - daysBack * 24 * hourMs;
  /** Twelve accesses an hour by day, two by night. */
  const accessesIn = (hour: number): number => (hour % 24 >= 8 && hour % 24 < 20 ? 12 : 2);
  const rows = Array.from({ length: daysBack * 24 }, (_, hour) =>
    Array.from({ length: accessesIn(hour) }, (_, i) =>
      JSON.stringify({ time: fromMs + hour * hourMs + i * 60_000, segment: `/s${i}`, consumer: 'c' }),
    ),
  ).flat();

  test('is told by the hour: what was, what is expected, and the profile of the week', async () => {
    const one = await testNode();
    await one.post('/v1/accesses', rows.join('\n'));
    await settled(one);
    const before = one.node.engine.stats().digest;
    const { body } = await one.ask('/v1/demand?hours=48');
    const answer = body as {
      hours: { fromMs: number; toMs: number; accesses: number }[];
      past: { hour: string; accesses: number }[];
      weekProfile: (number | null)[];
      error: { mean: number; persistence: number };
    };
    expect(answer.hours.length).toBe(48);
    for (const [i, { fromMs: from, toMs, accesses }] of answer.hours.entries()) {
      expect(from).toBe(fromMs + (daysBack * 24 - 1 + i) * hourMs);
      expect(toMs - from).toBe(hourMs);
      expect(accesses).toBeCloseTo(accessesIn((daysBack * 24 - 1 + i) % 24), 0);
    }
    expect(answer.past.length).toBe(48);
    for (const { hour, accesses } of answer.past) expect(accesses).toBe(accessesIn(Number(hour.slice(11, 13))));
    expect(answer.weekProfile.length).toBe(168);
    for (const [hour, mean] of answer.weekProfile.entries()) expect(mean).toBeCloseTo(accessesIn(hour), 6);
    expect(answer.error.mean).toBeLessThan(answer.error.persistence);
    // Asking leaves the engine as it was: the same accesses after it give the same decisions as without it.
    const other = await testNode();
    await other.post('/v1/accesses', rows.join('\n'));
    const more = ndjson(['/s1', '/s2', '/s3', '/s1', '/s2']);
    for (const node of [one, other]) {
      await node.post('/v1/accesses', more);
      await settled(node);
    }
    expect(before).not.toBe(one.node.engine.stats().digest);
    expect(one.node.engine.stats().digest).toBe(other.node.engine.stats().digest);
    expect((await one.ask('/v1/demand?hours=169')).status).toBe(400);
  });

  test('is told by the clock that the far loop keeps', async () => {
    const one = await testNode({ engine: { farLoop: { timeZone: '+02:00' } } });
    await one.post('/v1/accesses', rows.join('\n'));
    await settled(one);
    const { body } = await one.ask('/v1/demand?hours=48');
    const { timeZone, past } = body as { timeZone: string; past: { hour: string; accesses: number }[] };
    expect(timeZone).toBe('+02:00');
    expect(past.length).toBe(48);
    for (const { hour, accesses } of past) expect(accesses).toBe(accessesIn((Number(hour.slice(11, 13)) + 22) % 24));
  });

  test('says why where there is none', async () => {
    const one = await testNode();
    expect(await one.ask('/v1/demand')).toMatchObject({
      status: 200,
      body: { hours: [], why: expect.stringContaining('no access') },
    });
    const off = await testNode({ engine: { farLoop: { isEnabled: false } } });
    expect(await off.ask('/v1/demand')).toMatchObject({ body: { why: expect.stringContaining('isEnabled') } });
  });
});

test('the graph shows what leads to a segment, by the same edges that lead out of those', async () => {
  const one = await testNode();
  await one.post('/v1/accesses', ndjson(Array.from({ length: 90 }, (_, i) => ['/a', '/b', '/c'][i % 3]!)));
  await settled(one);
  const { body } = await one.ask('/v1/graph?segment=/b');
  const { before } = body as { before: { source: string; target: string; confidence: number }[] };
  expect(before.map(({ source }) => source)).toContain('/a');
  for (const { source, target, confidence } of before) {
    expect(target).toBe('/b');
    const back = (await one.ask(`/v1/graph?segment=${source}&depth=1`)).body as typeof body & {
      edges: { target: string; confidence: number }[];
    };
    expect(back.edges.find((edge) => edge.target === '/b')?.confidence).toBe(confidence);
  }
});
