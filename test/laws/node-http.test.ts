import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fuzzInputs, fuzzTimeoutMs } from '../fuzz-inputs.ts';
import { ndjson, testNode } from '../unit/node/test-node.ts';

const INPUTS = fuzzInputs(1500);

const tokens = [
  { name: 'sender', token: 'sender-0123456789abcdef', scopes: ['ingest'] },
  { name: 'reader', token: 'reader-0123456789abcdef', scopes: ['read'] },
  { name: 'boss', token: 'boss-0123456789abcdefgh', scopes: ['admin'] },
];
const paths = [
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/v1/accesses',
  '/v1/access-map',
  '/v1/checkpoints',
  '/v1/dead-letters',
  '/v1/dead-letters/redrive',
  '/v1/bad-messages/redrive',
  '/v1/decisions',
  '/v1/demand',
  '/v1/forecast',
  '/v1/governor',
  '/v1/graph',
  '/v1/hot-segments',
  '/v1/outcomes',
  '/v1/plans',
  '/v1/series',
  '/v1/status',
  '/prefetch/train',
  '/prefetch/predict',
];
const posted = new Set(['/v1/accesses', '/v1/dead-letters/redrive', '/v1/bad-messages/redrive', '/prefetch/train']);
const word = fc.oneof(
  fc.constantFrom(
    '/a',
    '/b',
    'c1',
    '1',
    '0',
    '-1',
    '1e9',
    'NaN',
    'Infinity',
    '',
    '%00',
    'issued',
    'open',
    '../..',
    '__proto__',
    '日本',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  fc.double().map(String),
);
const names = fc.oneof(
  fc.constantFrom(
    'consumer',
    'segment',
    'horizonMs',
    'count',
    'limit',
    'kind',
    'state',
    'hours',
    'depth',
    'fanout',
    'user_id',
    'k',
    'horizon_ms',
    'verify',
    'format',
    'lenient',
    'columns',
    'time-unit',
  ),
  fc.string({ maxLength: 6 }),
);
const json = fc.oneof(
  fc.record({
    accesses: fc.array(
      fc.record(
        {
          user_id: fc.oneof(word, fc.anything({ maxDepth: 1 })),
          data_id: fc.oneof(word, fc.anything({ maxDepth: 1 })),
          timestamp: fc.oneof(fc.double(), word, fc.nat()),
          size: fc.oneof(fc.double(), fc.nat()),
        },
        { requiredKeys: ['user_id', 'data_id'] },
      ),
      { maxLength: 4 },
    ),
  }),
  fc.record({ keys: fc.array(word, { maxLength: 3 }) }),
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 30 }),
  fc.constantFrom('{"accesses":', '['.repeat(20_000), '{"__proto__":{"accesses":[]}}', '\u0000', ndjson(['/a', '/b'])),
);
const request = fc.record({
  // Most often the method that the path knows.
  isOdd: fc.nat({ max: 5 }).map((draw) => draw === 0),
  oddMethod: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'),
  path: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...paths) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...paths), fc.constantFrom('/', '//', '/..', '%2f', ';x', '%', 'x'))
        .map(([a, b]) => a + b),
    },
    { weight: 1, arbitrary: fc.webPath({ size: 'small' }).map((path) => `/${path}`) },
  ),
  query: fc.array(fc.tuple(names, word), { maxLength: 4 }),
  authorization: fc.oneof(
    { weight: 4, arbitrary: fc.constant('Bearer boss-0123456789abcdefgh') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        'Bearer',
        'Bearer x',
        'Basic eDp5',
        'Bearer reader-0123456789abcdef',
        'bearer sender-0123456789abcdef',
      ),
    },
  ),
  type: fc.constantFrom('application/json', 'application/x-ndjson', 'text/csv', 'multipart/form-data', 'a/b;c=d', ''),
  body: json,
});

test(
  `law: ${INPUTS} requests of any kind are answered or refused by name, none is a fault of the node, and nothing else is disturbed`,
  async () => {
    const { post, ask, node, logged } = await testNode({ http: { tokens, bodyBytesMax: '64KiB' } });
    const boss = { authorization: 'Bearer boss-0123456789abcdefgh' };
    await post('/v1/accesses', ndjson(Array.from({ length: 60 }, (_, i) => ['/a', '/b', '/c'][i % 3]!)), boss);
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ isOdd, oddMethod, path, query, authorization, type, body }) => {
        const method = isOdd ? oddMethod : posted.has(path) ? 'POST' : 'GET';
        const text = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const before = node.status().log.end;
        const answer = await ask(`${path}${text === '' ? '' : `?${text}`}`, {
          method,
          headers: {
            ...(authorization === '' ? {} : { authorization }),
            ...(type === '' ? {} : { 'content-type': type }),
          },
          ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
        });
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (![200, 400, 401, 403, 404, 405, 409, 413, 415].includes(answer.status))
          expect.fail(`${method} ${path}?${text} was answered ${answer.status} ${JSON.stringify(answer.body)}`);
        if (answer.status === 405) expect(answer.headers.get('allow')?.split(', ')).not.toContain(method);
        if (answer.status >= 400 && method !== 'HEAD')
          expect(answer.body).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
        // Only a post that was answered 200 has kept anything.
        if (answer.status !== 200 && node.status().log.end !== before) expect.fail(`${method} ${path} kept something`);
      }),
      { numRuns: INPUTS },
    );
    await node.intake.idle();
    expect(logged.filter((line) => line.startsWith('error'))).toEqual([]);
    expect((await ask('/readyz')).status).toBe(200);
    expect(node.engine.position).toBe(node.status().told.accesses);
    const forecast = await ask('/v1/forecast?consumer=c1', { headers: boss });
    expect(forecast.status).toBe(200);
    for (const status of [200, 400, 401, 404, 405])
      expect([status, (statuses.get(status) ?? 0) > 10]).toEqual([status, true]);
    // Each refusal was counted under its name.
    const { text } = (await ask('/metrics', { headers: boss })).body as { text: string };
    const counted = Object.fromEntries(
      [...text.matchAll(/^anteroom_http_refused_total\{reason="([\w-]+)"\} (\d+)$/gm)].map(([, reason, count]) => [
        reason,
        Number(count),
      ]),
    );
    expect(counted).toMatchObject({
      'bad-request': statuses.get(400),
      unauthorised: statuses.get(401),
      'not-found': statuses.get(404),
      'wrong-method': statuses.get(405),
    });
  },
  fuzzTimeoutMs(INPUTS),
);
