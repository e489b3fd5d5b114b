import { describe, expect, test } from 'vitest';
import { checkNodeConfig, knownTokens } from '../../../actors/node/http/authorise.ts';
import { ndjson, testNode } from './test-node.ts';

const tokens = [
  { name: 'sender', token: 'sender-0123456789abcdef', scopes: ['ingest'] },
  { name: 'reader', token: 'reader-0123456789abcdef', scopes: ['read'] },
  { name: 'boss', token: 'boss-0123456789abcdefgh', scopes: ['admin'] },
];
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('with tokens', () => {
  test('each scope may do its own and nothing else; admin may do all', async () => {
    const { ask, post } = await testNode({ http: { tokens } });
    const may = async (headers: Record<string, string>): Promise<number[]> => [
      (await post('/v1/accesses', ndjson(['/a']), headers)).status,
      (await ask('/v1/status', { headers })).status,
      (await ask('/metrics', { headers })).status,
      (await post('/v1/checkpoints', '', headers)).status,
    ];
    expect(await may({})).toEqual([401, 401, 401, 401]);
    expect(await may(bearer('sender-0123456789abcdeX'))).toEqual([401, 401, 401, 401]);
    expect(await may(bearer('sender-0123456789abcdef'))).toEqual([200, 403, 403, 403]);
    expect(await may(bearer('reader-0123456789abcdef'))).toEqual([403, 200, 200, 403]);
    expect(await may(bearer('boss-0123456789abcdefgh'))).toEqual([200, 200, 200, 200]);
    // Who is known and may not is told so; who is not known is told that.
    const codeFor = async (token: string): Promise<unknown> =>
      ((await ask('/v1/status', { headers: bearer(token) })).body as { error: { code: string } }).error.code;
    expect(await codeFor('sender-0123456789abcdef')).toBe('forbidden');
    expect(await codeFor('sender-0123456789abcdeX')).toBe('unauthorised');
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/')).status).toBe(200);
  });

  test("who has a quota may post so much on average, is told when to come back, and uses up nobody else's", async () => {
    const [sender, reader, boss] = tokens;
    const limited = { ...sender, bytesPerSecondMax: 100 };
    const { post, clock, ask } = await testNode({ http: { tokens: [limited, reader, boss] } });
    const body = 'x'.repeat(900);
    const sent = async (token: string): Promise<readonly [number, string | null]> => {
      const { status, headers } = await post('/v1/accesses', body, { ...bearer(token), 'content-length': '900' });
      return [status, headers.get('retry-after')];
    };
    // Ten seconds are saved up; a post may go below zero, and the next waits until that is paid.
    expect((await sent('sender-0123456789abcdef'))[0]).not.toBe(429);
    expect((await sent('sender-0123456789abcdef'))[0]).not.toBe(429);
    expect(await sent('sender-0123456789abcdef')).toEqual([429, '8']);
    expect((await sent('boss-0123456789abcdefgh'))[0]).not.toBe(429);
    clock.advanceTo(clock.now() + 7000);
    expect(await sent('sender-0123456789abcdef')).toEqual([429, '1']);
    clock.advanceTo(clock.now() + 1001);
    expect((await sent('sender-0123456789abcdef'))[0]).not.toBe(429);
    const { body: metrics } = await ask('/metrics', { headers: bearer('boss-0123456789abcdefgh') });
    expect((metrics as { text: string }).text).toContain('anteroom_http_refused_total{reason="throttled"} 2');
  });

  test('a token may be bound to producers and consumers, and no holder may speak as the node itself', async () => {
    const bound = { name: 'shop', token: 'shop-0123456789abcdefgh', scopes: ['ingest'] };
    const binding = { producers: ['shop', 'till-*'], consumers: ['customer-*'] };
    const { post, ask, node } = await testNode({ http: { tokens: [...tokens, { ...bound, ...binding }] } });
    const send = async (token: string, producer: string | null, sequence: number, consumer = 'customer-1') => {
      const origin = producer === null ? {} : { producer, sequence: String(sequence) };
      const answer = await post('/v1/accesses', ndjson(['/a'], consumer), { ...bearer(token), ...origin });
      return [answer.status, (answer.body as { duplicate?: boolean }).duplicate ?? null];
    };
    const [shop, sender] = [bound.token, 'sender-0123456789abcdef'];
    expect(await send(shop, 'shop', 1)).toEqual([200, false]);
    expect(await send(shop, 'till-9', 1)).toEqual([200, false]);
    expect(await send(shop, null, 0)).toEqual([200, false]);
    expect(await send(shop, 'bank', 1)).toEqual([403, null]);
    expect(await send(shop, 'shop', 2, 'somebody')).toEqual([403, null]);
    // What was refused has used up nothing: neither a number of the shop nor one of the bank.
    expect(await send(shop, 'shop', 2)).toEqual([200, false]);
    expect(await send(sender, 'bank', 1, 'anybody')).toEqual([200, false]);
    const train = JSON.stringify({ accesses: [{ user_id: 'somebody', data_id: '/x' }] });
    const type = { 'content-type': 'application/json' };
    expect((await post('/prefetch/train', train, { ...bearer(shop), ...type })).status).toBe(403);
    for (const own of ['source:z:shop', 'tail:1:2:3', 'redrive:z'])
      expect(await send(sender, own, 1)).toEqual([403, null]);
    expect(node.status().intake).toMatchObject({ appended: 5, duplicates: 0 });
    const { body } = await ask('/metrics', { headers: bearer('boss-0123456789abcdefgh') });
    expect((body as { text: string }).text).toContain('anteroom_http_refused_total{reason="forbidden"} 6');
  });

  test('no answer, log line or document shows a token', async () => {
    const { ask, post, logged } = await testNode({ http: { tokens } });
    const texts = [JSON.stringify((await post('/v1/accesses', 'nonsense', bearer('sender-0123456789abcdef'))).body)];
    for (const path of ['/v1/status', '/metrics', '/openapi.json', '/v1/nowhere', '/v1/outcomes'])
      texts.push(JSON.stringify((await ask(path, { headers: bearer('boss-0123456789abcdefgh') })).body));
    for (const text of [...texts, ...logged]) expect(text).not.toMatch(/0123456789abcdef/);
  });
});

describe('without tokens', () => {
  test('only this machine is served, and no page of another site', async () => {
    const { ask, post } = await testNode();
    expect((await ask('/v1/status')).status).toBe(200);
    expect((await ask('/v1/status', { headers: { host: 'localhost:7878' } })).status).toBe(200);
    expect((await ask('/v1/status', { headers: { host: 'rebound.example:7878' } })).status).toBe(403);
    expect((await post('/v1/accesses', ndjson(['/a']), { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post('/v1/accesses', ndjson(['/a']), { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(
      (await post('/v1/accesses', ndjson(['/a']), { host: 'localhost:7878', origin: 'http://localhost:7878' })).status,
    ).toBe(200);
  });

  test('an address that others reach is refused before anything starts', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.4', 'example.org'])
      await expect(knownTokens(checkNodeConfig({ http: { host } }, 'x').http)).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringContaining('http.tokens'),
      });
    for (const host of ['127.0.0.1', '::1', 'localhost'])
      expect(await knownTokens(checkNodeConfig({ http: { host } }, 'x').http)).toEqual([]);
  });

  test('a token without a secret, or of less than 16 characters, is refused', async () => {
    await expect(knownTokens(checkNodeConfig({ http: { tokens: [{ name: 'a' }] } }, 'x').http)).rejects.toMatchObject({
      code: 'bad-config',
    });
    expect(() => checkNodeConfig({ http: { tokens: [{ name: 'a', token: 'short' }] } }, 'x')).toThrow(
      /http\.tokens\[0\]\.token/,
    );
  });
});
