import { describe, expect, test } from 'vitest';
import { refusalNames } from '../../../actors/cache-manager/ledger.ts';
import { explainDecision } from '../../../actors/node/explain-decision.ts';
import { outcomeNames } from '../../../actors/prefetcher.ts';
import { ndjson, START_MS, testNode } from './test-node.ts';

const base = {
  sequence: 0,
  position: 1,
  timeMs: 1,
  segment: 0,
  name: '/a',
  expert: 'context',
  probability: 0.5,
  sizeBytes: 1,
};

describe('a decision in words', () => {
  test.each(refusalNames)('says why it was refused: %s', (reason) => {
    const text = explainDecision({ ...base, kind: 'refused', reason });
    expect(text).toMatch(/^not \/a: \w+ .*context.*0\.50$/);
    expect(text).not.toContain(`: ${reason};`);
  });
  test.each(outcomeNames)('says how it ended: %s', (reason) => {
    expect(explainDecision({ ...base, kind: 'ended', reason })).toMatch(new RegExp(`^/a ended ${reason}: its? .+`));
  });
});

test('a forecast names the access that it follows, how often it did, and how much later', async () => {
  const { post, ask, node } = await testNode();
  const rows = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({
      time: START_MS - 600_000 + i * 2000,
      segment: i % 2 === 0 ? '/page' : '/page.css',
      consumer: 'c1',
    }),
  );
  await post('/v1/accesses', `${rows.slice(0, 59).join('\n')}\n`);
  await node.intake.idle();
  const { body } = (await ask('/v1/forecast?consumer=c1&count=3')) as {
    body: { after: string; forecasts: { segment: string; why: string[] }[] };
  };
  expect(body.after).toBe('/page');
  const css = body.forecasts.find(({ segment }) => segment === '/page.css');
  expect(css?.why[0]).toMatch(
    /^it followed \/page, the last access of c1, in \d+ % of [\d.]+ cases, 2 s later in the mean/,
  );
  expect((await ask('/v1/forecast?consumer=nobody')).status).toBe(404);
});

test('the graph, the hot segments, the access map, the governor, the plans and the outcomes are told', async () => {
  const { post, ask, node } = await testNode({ http: { answersMax: 2 } });
  await post('/v1/accesses', ndjson(['/a', '/b', '/c', '/a', '/b', '/c', '/a', '/b', '/c']));
  await node.intake.idle();
  const graph = (await ask('/v1/graph?segment=/a&depth=3')) as {
    body: { edges: { source: string; target: string; depth: number }[] };
  };
  expect(graph.body.edges.length).toBe(2);
  expect(graph.body.edges[0]).toMatchObject({ source: '/a', depth: 1, confidence: expect.any(Number) });
  expect((await ask('/v1/graph?segment=/nowhere')).status).toBe(404);
  expect(await ask('/v1/hot-segments?limit=50')).toMatchObject({ body: { segments: [{ count: 3 }, { count: 3 }] } });
  expect(await ask('/v1/access-map?segment=/a')).toMatchObject({
    body: { segment: '/a', count: 3, bytes: expect.any(Number) },
  });
  expect((await ask('/v1/access-map?segment=/z')).status).toBe(404);
  // Accounts of experts without names, of which there were 255, said nothing of anybody.
  const experts = expect.arrayContaining([expect.objectContaining({ name: 'consumer-successor', isOff: false })]);
  const governor = await ask('/v1/governor');
  expect(governor).toMatchObject({ body: { trafficMax: 1.3, refusals: expect.any(Object), state: { experts } } });
  const accounts = (governor.body as { state: { experts: readonly { name?: string }[] } }).state.experts;
  expect(accounts.filter(({ name }) => name === undefined)).toEqual([]);
  expect(await ask('/v1/plans')).toMatchObject({ body: { mode: 'observing', position: 9, plans: expect.any(Array) } });
  expect(await ask('/v1/outcomes')).toMatchObject({
    body: {
      accesses: 9,
      misses: expect.any(Number),
      baselineMisses: expect.any(Number),
      reliability: expect.any(Array),
    },
  });
});

test('metrics are valid text and have the names of the report', async () => {
  const { post, ask, node } = await testNode();
  await post('/v1/accesses', ndjson(['/a', '/b', '/a']));
  await node.intake.idle();
  const { body } = (await ask('/metrics')) as { body: { text: string } };
  for (const line of body.text.split('\n').filter((one) => one !== '' && !one.startsWith('#')))
    expect(line).toMatch(/^anteroom_[a-z_]+(\{[a-z]+="[^"]*"\})? (-?[\d.e+-]+|Nan|NaN|\+Inf)$/);
  for (const name of [
    'accesses_total 3',
    'misses_total 2',
    'prefetches_total{outcome="useful"} 0',
    'precision',
    'coverage',
    'timeliness',
    'pollution',
    'traffic_ratio',
    'ready 1',
    'log_end 3',
  ])
    expect(body.text).toContain(`anteroom_${name}`);
});

test('the OpenAPI document describes every route that there is', async () => {
  const { app, ask } = await testNode();
  const { body } = (await ask('/openapi.json')) as {
    body: { openapi: string; paths: Record<string, Record<string, { summary?: string; responses: object }>> };
  };
  expect(body.openapi).toBe('3.1.0');
  const served = new Set(
    app.routes
      .filter(({ method }) => method === 'GET' || method === 'POST')
      .map(({ method, path }) => `${method} ${path}`),
  );
  const described = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const plain = ['GET /', 'GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json'];
  expect([...served].filter((route) => !described.includes(route) && !plain.includes(route))).toEqual([]);
  for (const methods of Object.values(body.paths))
    for (const one of Object.values(methods)) expect(one.summary).toBeTruthy();
});
