import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as api from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DeliveryEnd, OutgoingRequest, Sink } from '../../../actors/node/sinks/sink.ts';
import { Tracing } from '../../../actors/node/tracing.ts';
import { root } from '../../tidy/project-files.ts';
import { Disks, ndjson, type TestNode, testNode } from './test-node.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({
  sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
beforeAll(() => void api.trace.setGlobalTracerProvider(provider));
afterEach(() => exporter.reset());
afterAll(() => api.trace.disable());

class CountingSink implements Sink {
  readonly name = 'counting';
  readonly requests: OutgoingRequest[] = [];
  end: DeliveryEnd = { kind: 'done', sizeBytes: 100 };

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    this.requests.push(request);
    return this.end;
  }
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;
const round = Array.from({ length: 10 }, (_, i) => `/page-${i}`);
const body = ndjson(Array.from({ length: 1000 }, (_, i) => round[i % 10]!));
const settings = { engine: { capacity: 4, trafficMax: null }, delivery: { attemptsMax: 1 } };

async function settled({ node }: TestNode): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await node.intake.idle();
    await new Promise((done) => setImmediate(done));
  }
}
const named = (name: string): readonly ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);

describe('with tracing', () => {
  test('a post is followed from its request through append, tell and decisions to deliveries, in the trace of who sent it', async () => {
    const sink = new CountingSink();
    const one = await testNode(settings, { sinks: [sink], tracing: await Tracing.load() });
    await one.post('/v1/accesses', body, { traceparent, tracestate: 'vendor=1' });
    await settled(one);
    const spans = exporter.getFinishedSpans();
    expect(spans.every((span) => span.spanContext().traceId === traceId)).toBe(true);
    const [post] = named('POST /v1/accesses');
    expect(post!.parentSpanContext).toMatchObject({ spanId, isRemote: true });
    expect(post!.kind).toBe(api.SpanKind.SERVER);
    expect(post!.attributes).toMatchObject({
      'http.response.status_code': 200,
      'anteroom.accesses': 1000,
      'http.route': '/v1/accesses',
    });
    expect(post!.spanContext().traceState?.get('vendor')).toBe('1');
    const within = (child: ReadableSpan | undefined, parent: ReadableSpan | undefined): void =>
      expect(child!.parentSpanContext?.spanId).toBe(parent!.spanContext().spanId);
    const [append] = named('append');
    within(append, post);
    expect(append!.attributes).toMatchObject({ 'anteroom.log.from': 0, 'anteroom.log.to': 1000 });
    const [tell] = named('tell');
    within(tell, post);
    const decided = named('decide');
    // Each request that came of the post has its span, and each that was delivered another, below it.
    expect(decided.length).toBeGreaterThanOrEqual(sink.requests.length);
    expect(sink.requests.length).toBeGreaterThan(0);
    for (const span of decided) within(span, tell);
    const delivered = named('deliver');
    expect(delivered.length).toBe(sink.requests.length);
    const ids = new Set(decided.map((span) => span.spanContext().spanId));
    for (const span of delivered) expect(ids).toContain(span.parentSpanContext?.spanId);
    // Whoever fetches is told the delivery's own span, with the state that came along.
    expect(new Set(sink.requests.map((request) => request.traceparent))).toEqual(
      new Set(delivered.map((span) => `00-${traceId}-${span.spanContext().spanId}-01`)),
    );
    for (const request of sink.requests) expect(request.tracestate).toBe('vendor=1');
    expect(new Set(delivered.map((span) => span.attributes['anteroom.segment']))).toEqual(
      new Set(sink.requests.map(({ segment }) => segment)),
    );
  });

  test('refusals and failures are in the spans: a bad post by its status, a failed delivery as an error', async () => {
    const sink = new CountingSink();
    sink.end = { kind: 'failed', why: 'closed', isRetryable: false };
    const one = await testNode(settings, { sinks: [sink], tracing: await Tracing.load() });
    await one.post('/v1/accesses', 'nonsense');
    expect(named('POST /v1/accesses')[0]).toMatchObject({
      attributes: { 'http.response.status_code': 415 },
      status: { code: api.SpanStatusCode.UNSET },
    });
    expect(named('append')).toEqual([]);
    await one.post('/v1/accesses', body);
    await settled(one);
    for (const span of named('deliver')) expect(span.status.code).toBe(api.SpanStatusCode.ERROR);
    expect(named('deliver').length).toBeGreaterThan(0);
  });

  test.each([
    ['', 'absent'],
    ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', 'a trace id of zeros'],
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', 'a parent id of zeros'],
    ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01', 'upper case'],
    [`ff-${traceId}-${spanId}-01`, 'the version that is forbidden'],
    [`00-${traceId}-${spanId}-01-more`, 'more than version 00 has'],
    ['nonsense', 'no trace context'],
  ])('a traceparent "%s" (%s) begins a trace of its own', async (header) => {
    const one = await testNode({}, { tracing: await Tracing.load() });
    await one.post('/v1/accesses', ndjson(['/a']), header === '' ? {} : { traceparent: header });
    const [post] = named('POST /v1/accesses');
    expect(post!.parentSpanContext).toBeUndefined();
    expect(post!.spanContext().traceId).not.toBe(traceId);
  });

  test('a later version is read as far as it is known, and a parent that is not sampled stays so', async () => {
    const one = await testNode({}, { tracing: await Tracing.load() });
    await one.post('/prefetch/train', '{"accesses":[{"user_id":"u","data_id":"/a"}]}', {
      'content-type': 'application/json',
      traceparent: `cc-${traceId}-${spanId}-01-what-the-future-will-be-like`,
    });
    expect(named('POST /prefetch/train')[0]!.parentSpanContext).toMatchObject({ traceId, spanId });
    await settled(one);
    exporter.reset();
    await one.post('/v1/accesses', ndjson(['/a']), { traceparent: `00-${traceId}-${spanId}-00` });
    // Who sent it does not record: by a sampler that follows its parent neither does the node.
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('decisions are the same with and without, and a restart traces nothing of what it replays', async () => {
    const disks = new Disks();
    const traced = await testNode(settings, { sinks: [new CountingSink()], tracing: await Tracing.load(), disks });
    const plain = await testNode(settings, { sinks: [new CountingSink()] });
    for (const one of [traced, plain]) {
      await one.post('/v1/accesses', body, { traceparent });
      await settled(one);
    }
    expect(traced.node.engine.stats().digest).toBe(plain.node.engine.stats().digest);
    exporter.reset();
    const again = await testNode(settings, { sinks: [new CountingSink()], tracing: await Tracing.load(), disks });
    await settled(again);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

test('without tracing the package is not loaded, with it it is', async () => {
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(\`export const resolve = async (specifier, context, next) => {
      const found = await next(specifier, context);
      if (found.url.includes('@opentelemetry')) process._rawDebug('loaded ' + found.url);
      return found;
    };\`));
    const { runNode } = await import('./dist/actors/node/run-node.js');
    const { checkNodeConfig } = await import('./dist/actors/node/http/authorise.js');
    const quiet = { info() {}, warn() {}, error() {} };
    const isEnabled = process.argv[1] === 'on';
    const one = await runNode(checkNodeConfig({ store: 'memory', http: { port: 0 }, tracing: { isEnabled } }, 'test'), quiet);
    await fetch(one.address + '/v1/accesses', { method: 'POST', body: '{"segment":"/a"}' });
    await one.stop();`;
  const run = (word: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, word], { cwd: root, timeout: 60_000 });
  expect((await run('off')).stderr).not.toContain('loaded');
  expect((await run('on')).stderr).toContain('@opentelemetry/api');
}, 60_000);
