import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ndjson, type TestNode, testNode } from './test-node.ts';

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: object }[];
  readonly requestBody?: object;
  readonly responses: Record<
    string,
    { readonly description?: string; readonly content?: Record<string, { readonly schema: object }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes: Record<string, object> };
}

const tokens = [
  { name: 'sender', token: 'sender-0123456789abcdef', scopes: ['ingest'] },
  { name: 'reader', token: 'reader-0123456789abcdef', scopes: ['read'] },
  { name: 'boss', token: 'boss-0123456789abcdefgh', scopes: ['admin'] },
];
const tokenOf = {
  ingest: 'sender-0123456789abcdef',
  read: 'reader-0123456789abcdef',
  admin: 'boss-0123456789abcdefgh',
};
const documentOf = async ({ ask }: TestNode): Promise<Document> => (await ask('/openapi.json')).body as Document;
const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

/** What the node owes to its users, and which scope each asks for. */
const owed: readonly (readonly [method: string, path: string, scope: keyof typeof tokenOf | null])[] = [
  ['POST', '/v1/accesses', 'ingest'],
  ['POST', '/prefetch/train', 'ingest'],
  ['GET', '/v1/forecast', 'read'],
  ['GET', '/prefetch/predict', 'read'],
  ['GET', '/v1/access-map', 'read'],
  ['GET', '/v1/hot-segments', 'read'],
  ['GET', '/v1/graph', 'read'],
  ['GET', '/v1/plans', 'read'],
  ['GET', '/v1/demand', 'read'],
  ['GET', '/v1/decisions', 'read'],
  ['GET', '/v1/outcomes', 'read'],
  ['GET', '/v1/governor', 'read'],
  ['GET', '/v1/series', 'read'],
  ['GET', '/v1/status', 'read'],
  ['GET', '/v1/checkpoints', 'read'],
  ['POST', '/v1/checkpoints', 'admin'],
  ['GET', '/v1/bad-messages', 'read'],
  ['GET', '/v1/dead-letters', 'read'],
  ['POST', '/v1/dead-letters/redrive', 'admin'],
  ['POST', '/v1/bad-messages/redrive', 'admin'],
  ['POST', '/v1/reload', 'admin'],
  ['POST', '/v1/drain', 'admin'],
  ['GET', '/metrics', 'read'],
  ['GET', '/healthz', null],
  ['GET', '/readyz', null],
];

describe('the OpenAPI document', () => {
  test('is whole: every reference leads somewhere, every operation has an id, a summary and answers with descriptions', async () => {
    const document = await documentOf(await testNode({ http: { tokens } }));
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({
      title: expect.any(String),
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      const target = reference!
        .split('/')
        .slice(1)
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect([reference, typeof target]).toEqual([reference, 'object']);
    }
    const operations = operationsOf(document);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { method, path, operation } of operations) {
      const where = `${method} ${path}`;
      expect([where, operation.operationId, operation.summary]).toEqual([
        where,
        expect.stringMatching(/^\w+$/),
        expect.any(String),
      ]);
      expect([where, Object.keys(operation.responses).some((status) => status.startsWith('2'))]).toEqual([where, true]);
      for (const [status, answer] of Object.entries(operation.responses)) {
        expect([where, status]).toEqual([where, expect.stringMatching(/^[1-5]\d\d$/)]);
        expect([where, status, answer.description]).toEqual([where, status, expect.any(String)]);
        for (const { schema } of Object.values(answer.content ?? {})) expect(schema).toBeTypeOf('object');
      }
      for (const { name, in: place, schema } of operation.parameters ?? [])
        expect([where, name, place, typeof schema]).toEqual([
          where,
          name,
          expect.stringMatching(/^(query|header|path)$/),
          'object',
        ]);
      if (method === 'GET') expect([where, operation.requestBody]).toEqual([where, undefined]);
    }
  });

  test('has every route that is owed, each with the scope that the node asks for, and no other', async () => {
    const one = await testNode({ http: { tokens } });
    const document = await documentOf(one);
    const described = operationsOf(document);
    expect(described.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      owed.map(([method, path]) => `${method} ${path}`).sort(),
    );
    // `drain` ends the node, so it comes last.
    for (const [method, path, scope] of [...owed].sort(
      ([, a], [, b]) => Number(a === '/v1/drain') - Number(b === '/v1/drain'),
    )) {
      const { operation } = described.find((found) => found.method === method && found.path === path)!;
      const status = async (token: string | null): Promise<number> =>
        (await one.ask(path, { method, headers: token === null ? {} : { authorization: `Bearer ${token}` } })).status;
      if (scope === null) {
        expect([path, operation.security]).toEqual([path, undefined]);
        expect([path, await status(null)]).toEqual([path, 200]);
        continue;
      }
      expect([path, operation.security, operation.tags]).toEqual([path, [{ token: [scope] }], [scope]]);
      expect([method, path, await status(null)]).toEqual([method, path, 401]);
      expect([method, path, await status('nobody-0123456789abcdef')]).toEqual([method, path, 401]);
      for (const [other, token] of Object.entries(tokenOf)) {
        const may = other === scope || other === 'admin';
        const answered = await status(token);
        expect([method, path, other, answered === 403]).toEqual([method, path, other, !may]);
      }
    }
    expect(document.components.securitySchemes.token).toEqual({ type: 'http', scheme: 'bearer' });
  });

  test('says truly what answers look like', async () => {
    const one = await testNode();
    const round = Array.from({ length: 300 }, (_, i) => `/s${i % 12}`);
    await one.post('/v1/accesses', ndjson(round));
    await one.node.intake.idle();
    const document = await documentOf(one);
    const definitions = JSON.parse(
      JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
    ) as object;
    const questions = [
      '/v1/forecast?count=3',
      '/prefetch/predict?user_id=c1',
      '/prefetch/predict?user_id=stranger',
      '/v1/access-map?segment=/s1',
      '/v1/hot-segments',
      '/v1/graph?segment=/s1',
      '/v1/plans',
      '/v1/demand',
      '/v1/decisions',
      '/v1/outcomes',
      '/v1/governor',
      '/v1/status',
      '/v1/checkpoints?verify=1',
      '/v1/dead-letters',
      '/v1/bad-messages',
      '/v1/series',
      '/readyz',
      '/v1/access-map?segment=/nowhere',
      '/v1/graph?segment=/s1&depth=9',
    ];
    for (const question of questions) {
      const { status, body } = await one.ask(question);
      const operation = document.paths[question.split('?')[0]!]!.get!;
      const { schema } = operation.responses[status]!.content!['application/json']!;
      const local = JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')) as object;
      const shape = z.fromJSONSchema({ ...local, $defs: definitions } as never);
      expect(shape.safeParse([]).success).toBe(false);
      const check = shape.safeParse(body);
      expect([question, check.error?.issues ?? []]).toEqual([question, []]);
    }
  });
});

test('a known path asked by another method was answered 404, as if it were misspelt: it is 405 and says which it takes', async () => {
  const { ask } = await testNode();
  const answerTo = async (method: string, path: string): Promise<readonly [number, string | null]> => {
    const { status, headers } = await ask(path, { method });
    return [status, headers.get('allow')];
  };
  expect(await answerTo('GET', '/v1/accesses')).toEqual([405, 'POST']);
  expect(await answerTo('DELETE', '/v1/forecast')).toEqual([405, 'GET, HEAD']);
  expect(await answerTo('PUT', '/v1/checkpoints')).toEqual([405, 'GET, HEAD, POST']);
  expect(await answerTo('POST', '/v1/acceses')).toEqual([404, null]);
  const { body } = await ask('/metrics');
  expect((body as { text: string }).text).toContain('anteroom_http_refused_total{reason="wrong-method"} 3');
});

describe('a question that is wrong is answered with its place, in the words that settings have', () => {
  test.each([
    ['/v1/forecast?count=abc', 'count: expected number'],
    ['/v1/forecast?count=-1', 'count: expected at least 1'],
    ['/v1/access-map', 'segment: expected string'],
    ['/v1/graph?segment=/a&depth=99', 'depth: expected at most 4'],
    ['/v1/plans?state=foo', 'state: expected one of "planned"|"queued"|"open"|"staged"'],
  ])('%s', async (question, message) => {
    const { ask } = await testNode();
    expect(await ask(question)).toMatchObject({ status: 400, body: { error: { code: 'bad-usage', message } } });
  });
});
