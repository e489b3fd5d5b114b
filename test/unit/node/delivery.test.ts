import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandSink } from '../../../actors/node/sinks/command-sink.ts';
import type { DeliveryEnd, OutgoingRequest, Sink } from '../../../actors/node/sinks/sink.ts';
import { WebhookSink } from '../../../actors/node/sinks/webhook-sink.ts';
import { RealClock } from '../../../engine/host/real-clock.ts';
import { Disks, ndjson, type TestNode, testNode } from './test-node.ts';

/** A sink that remembers and answers as told. */
class ScriptedSink implements Sink {
  readonly name = 'scripted';
  readonly requests: OutgoingRequest[] = [];
  end: DeliveryEnd = { kind: 'done', sizeBytes: 100 };

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    this.requests.push(request);
    return this.end;
  }
}

/** Two hundred rounds of the same ten segments in a cache of four: the engine has to want something. */
const round = Array.from({ length: 10 }, (_, i) => `/page-${i}`);
const body = ndjson(Array.from({ length: 1000 }, (_, i) => round[i % 10]!));
const settings = {
  engine: { capacity: 4, trafficMax: null },
  delivery: { attemptsMax: 3, backOff: { initialMs: 10, jitter: 0 } },
};

async function settled({ node }: TestNode): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await node.intake.idle();
    await new Promise((done) => setImmediate(done));
  }
}

describe('prefetch requests', () => {
  test('go to the sinks with key, deadline and reason, and their answers go through the log', async () => {
    const sink = new ScriptedSink();
    const disks = new Disks();
    const one = await testNode(settings, { sinks: [sink], disks });
    await one.post('/v1/accesses', body);
    await settled(one);
    expect(sink.requests.length).toBeGreaterThan(3);
    const [request] = sink.requests;
    expect(request).toMatchObject({
      node: 'anteroom',
      consumer: 'c1',
      segment: expect.stringMatching(/^\/page-\d$/),
      reason: expect.stringContaining('expects it'),
    });
    expect(request!.key).toBe(`anteroom:${request!.position}:${request!.segment}`);
    expect(request!.deadlineMs).toBeGreaterThan(request!.decidedAtMs);
    const { told, log, delivery } = one.node.status();
    expect(delivery.delivered).toBe(sink.requests.length);
    expect(log.end).toBe(told.accesses + told.answers);
    // Event time passed faster than answers came: what the engine no longer waited for, it says.
    const live = one.node.engine.stats().live!;
    expect(live.landed + live.ignoredAnswers).toBe(told.answers - told.answersIgnored);
    // All that the engine was told is in the log, so a restart decides the same and sends nothing twice.
    const again = new ScriptedSink();
    const two = await testNode(settings, { sinks: [again], disks });
    await settled(two);
    expect(two.node.engine.stats().digest).toBe(one.node.engine.stats().digest);
    expect(again.requests).toEqual([]);
  });

  test('that were open at a crash are sent again under the same key', async () => {
    const silent: Sink & { keys: string[] } = {
      name: 'silent',
      keys: [],
      deliver: (request) => {
        silent.keys.push(request.key);
        return new Promise(() => {});
      },
    };
    const disks = new Disks();
    const one = await testNode(settings, { sinks: [silent], disks });
    await one.post('/v1/accesses', body);
    await settled(one);
    const open = one.node.dispatcher.open(100).map(({ key }) => key);
    expect(open.length).toBeGreaterThan(0);
    const sink = new ScriptedSink();
    const two = await testNode(settings, { sinks: [sink], disks });
    await settled(two);
    expect(sink.requests.map(({ key }) => key).slice(0, open.length)).toEqual(open);
  });

  test('that a sink refuses are tried again after a wait, then are dead letters, and a redrive delivers them', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 503', isRetryable: true };
    const one = await testNode(settings, { sinks: [sink] });
    await one.post('/v1/accesses', body);
    await settled(one);
    const first = sink.requests.length;
    for (let i = 0; i < 20; i++) {
      one.clock.advanceTo(one.clock.now() + 100);
      await settled(one);
    }
    const { delivery } = one.node.status();
    expect(sink.requests.length).toBeGreaterThan(first);
    expect(delivery.deadLetters).toBeGreaterThan(0);
    expect(delivery.retries).toBeGreaterThanOrEqual(2 * delivery.deadLetters);
    expect(one.node.lifeCycle.troubles).toMatchObject({ sink: expect.stringContaining('status 503') });
    const { body: letters } = (await one.ask('/v1/dead-letters?limit=2')) as { body: { letters: object[] } };
    expect(letters.letters).toMatchObject([{ sink: 'scripted', why: 'status 503', attempts: 3 }, {}]);
    sink.end = { kind: 'done', sizeBytes: -1 };
    const redriven = await one.post('/v1/dead-letters/redrive', '{}', { 'content-type': 'application/json' });
    expect(redriven.body).toMatchObject({ delivered: delivery.deadLetters, failed: 0 });
    expect(one.node.status().delivery).toMatchObject({ deadLetters: 0, redriven: delivery.deadLetters });
  });

  test('a sink that fails slowly was in trouble only after its last try: it is from the first that failed until all it failed to take is done with', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'timeout after 10000 ms', isRetryable: true };
    // Others work meanwhile, which does not hide what waits for another try.
    const first: Sink = {
      name: 'scripted',
      deliver: (request) => {
        const end = sink.deliver(request);
        sink.end = { kind: 'done', sizeBytes: 100 };
        return end;
      },
    };
    const one = await testNode(settings, { sinks: [first] });
    await one.post('/v1/accesses', body);
    await settled(one);
    const { delivery, troubles } = one.node.status();
    expect(delivery).toMatchObject({ deadLetters: 0, retries: 1 });
    expect(delivery.delivered).toBeGreaterThan(0);
    expect(troubles).toEqual({ sink: 'scripted: timeout after 10000 ms' });
    expect(((await one.ask('/metrics')).body as { text: string }).text).toContain('anteroom_up{state="degraded"} 1');
    expect((await one.ask('/readyz')).status).toBe(200);
    one.clock.advanceTo(one.clock.now() + 100);
    await settled(one);
    expect([one.node.lifeCycle.state, one.node.status().delivery.deadLetters]).toEqual(['ready', 0]);
  });

  test('two redrives at a time that both deliver a letter counted it twice: it is redriven once', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 400', isRetryable: false };
    const one = await testNode(settings, { sinks: [sink] });
    await one.post('/v1/accesses', body);
    await settled(one);
    const { deadLetters } = one.node.status().delivery;
    expect(deadLetters).toBeGreaterThan(0);
    sink.end = { kind: 'done', sizeBytes: -1 };
    const redrive = () => one.post('/v1/dead-letters/redrive', '{}', { 'content-type': 'application/json' });
    await Promise.all([redrive(), redrive()]);
    expect(one.node.status().delivery).toMatchObject({ deadLetters: 0, redriven: deadLetters });
  });

  test('whose redrive succeeded left the node degraded by its sink until the next request: the trouble is gone', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 400', isRetryable: false };
    const one = await testNode(settings, { sinks: [sink] });
    await one.post('/v1/accesses', body);
    await settled(one);
    expect(one.node.lifeCycle.state).toBe('degraded');
    sink.end = { kind: 'done', sizeBytes: -1 };
    await one.post('/v1/dead-letters/redrive', '{}', { 'content-type': 'application/json' });
    expect([one.node.lifeCycle.state, one.node.lifeCycle.troubles]).toEqual(['ready', {}]);
  });

  test('whose redrive failed left the node ready: its sink is in trouble as after any try that failed', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 400', isRetryable: false };
    const one = await testNode(settings, { sinks: [sink] });
    await one.post('/v1/accesses', body);
    await settled(one);
    const [first, second] = one.node.dispatcher.deadLetters(2);
    const redrive = (key: string) => one.node.dispatcher.redrive([key], 1000);
    sink.end = { kind: 'done', sizeBytes: -1 };
    await redrive(first!.key);
    expect(one.node.lifeCycle.troubles).toEqual({});
    sink.end = { kind: 'failed', why: 'status 410', isRetryable: false };
    expect(await redrive(second!.key)).toMatchObject([{ key: second!.key, end: { kind: 'failed' } }]);
    expect([one.node.lifeCycle.state, one.node.lifeCycle.troubles]).toEqual([
      'degraded',
      { sink: 'scripted: status 410' },
    ]);
  });

  test('places in followed files were counted as dead letters: those alone are, of an earlier start too', async () => {
    const disks = new Disks();
    await disks.records.put('tail/access.log', '{}');
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 400', isRetryable: false };
    const one = await testNode(settings, { sinks: [sink], disks });
    expect(one.node.status().delivery.deadLetters).toBe(0);
    await one.post('/v1/accesses', body);
    await settled(one);
    const { deadLetters } = one.node.status().delivery;
    expect(deadLetters).toBe(one.node.dispatcher.deadLetters(1000).length);
    expect((await testNode(settings, { sinks: [sink], disks })).node.status().delivery.deadLetters).toBe(deadLetters);
  });

  test('that a sink can never take are dead letters at once', async () => {
    const sink = new ScriptedSink();
    sink.end = { kind: 'failed', why: 'status 400', isRetryable: false };
    const one = await testNode(
      { ...settings, delivery: { ...settings.delivery, deadLettersMax: 3 } },
      { sinks: [sink] },
    );
    await one.post('/v1/accesses', body);
    await settled(one);
    expect(one.node.status().delivery).toMatchObject({
      retries: 0,
      deadLetters: 3,
      deadLettersDropped: sink.requests.length - 3,
    });
  });
});

test('without sinks nothing is sent, and what prefetching would do is modelled', async () => {
  const one = await testNode({ engine: { capacity: 4 } });
  await one.post('/v1/accesses', body);
  await settled(one);
  expect(one.node.status()).toMatchObject({ mode: 'observing', delivery: { open: 0, delivered: 0 } });
  expect(one.node.engine.stats().prefetches.issued).toBeGreaterThan(0);
});

describe('a webhook', () => {
  let server: Server;
  let url: string;
  const got: { key: string | undefined; body: unknown }[] = [];
  let answer: { status: number; text: string } = { status: 200, text: '' };
  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        got.push({ key: request.headers['idempotency-key'] as string | undefined, body: JSON.parse(text) });
        response.writeHead(answer.status, answer.status === 302 ? { location: '/elsewhere' } : {}).end(answer.text);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => server.close());
  const request = { key: 'n:1:/a', segment: '/a' } as OutgoingRequest;

  test.each([
    [200, '{"sizeBytes": 42}', { kind: 'done', sizeBytes: 42 }],
    [204, '', { kind: 'done', sizeBytes: -1 }],
    [200, 'thank you', { kind: 'done', sizeBytes: -1 }],
    [400, '', { kind: 'failed', isRetryable: false }],
    [302, '', { kind: 'failed', isRetryable: false }],
    [429, '', { kind: 'failed', isRetryable: true }],
    [500, '', { kind: 'failed', isRetryable: true }],
  ])('that answers %i %j', async (status, text, end) => {
    answer = { status, text };
    const sink = new WebhookSink({ name: 'w', url, headers: {}, timeoutMs: 1000 });
    expect(await sink.deliver(request)).toMatchObject(end);
    expect(got.at(-1)).toEqual({ key: 'n:1:/a', body: request });
  });

  test('that nobody listens to is tried again', async () => {
    const sink = new WebhookSink({ name: 'w', url: 'http://127.0.0.1:9/', headers: {}, timeoutMs: 1000 });
    expect(await sink.deliver(request)).toMatchObject({ kind: 'failed', isRetryable: true });
  });
});

describe('a command', () => {
  const run = (words: string[], timeoutMs = 5000) =>
    new CommandSink({
      name: 'c',
      words,
      timeoutMs,
      concurrencyMax: 4,
      retryStatuses: [75],
      clock: new RealClock(),
    }).deliver({ key: 'k', segment: '/a b;c' } as OutgoingRequest);
  test('gets the request on standard input and the segment as a word of its environment, without a shell', async () => {
    const script =
      'let t="";process.stdin.on("data",d=>t+=d).on("end",()=>{const r=JSON.parse(t);console.log(JSON.stringify({sizeBytes:r.segment===process.env.ANTEROOM_SEGMENT?7:0}))})';
    expect(await run([process.execPath, '-e', script])).toEqual({ kind: 'done', sizeBytes: 7 });
  });
  test('that fails is not tried again, but for status 75, a kill and a missing program', async () => {
    expect(await run([process.execPath, '-e', 'process.exit(3)'])).toMatchObject({
      kind: 'failed',
      isRetryable: false,
    });
    expect(await run([process.execPath, '-e', 'process.exit(75)'])).toMatchObject({ isRetryable: true });
    expect(await run([process.execPath, '-e', 'setTimeout(()=>{},1e5)'], 200)).toMatchObject({ isRetryable: true });
    expect(await run(['/no/such/program'])).toMatchObject({
      isRetryable: true,
      why: expect.stringContaining('ENOENT'),
    });
  });
});
