/** Accesses in, by HTTP. */

import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Clock } from '../../../engine/clock.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import type { LogOrigin } from '../../../engine/state/log-store.ts';
import type { ColumnRole } from '../../../streams/format.ts';
import type { AnteroomNode, PostEnd } from '../anteroom-node.ts';
import { allowsName, isOwnProducer } from '../name-rules.ts';
import type { NodeMetrics } from '../node-metrics.ts';
import type { PostOptions } from '../parse-post.ts';
import { acceptedAnswer, accessesQuery, originHeaders, problemAnswer, trainBody } from './answers.ts';
import { tokenOf } from './authorise.ts';
import { IngestQuotas } from './ingest-quotas.ts';
import { postWords, problem } from './problem.ts';
import { readBody, tooLarge } from './read-body.ts';

/** Formats that a content type names; others are recognised by content. */
const formatOfType: Readonly<Record<string, string>> = {
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/json-lines': 'ndjson',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/vnd.apache.arrow.stream': 'arrow-ipc',
  'application/vnd.apache.arrow.file': 'arrow-ipc',
};

const LINE_FEED = 10;

const json = <T>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });

export const ingestProblems = {
  400: json(problemAnswer, 'A record or parameter is bad; nothing of the post was kept.'),
  401: json(problemAnswer, 'No or an unknown token.'),
  403: json(problemAnswer, 'The token may not do this.'),
  409: json(problemAnswer, 'The sequence is so old that a repetition cannot be told from a new post.'),
  413: json(problemAnswer, 'The post is too large.'),
  415: json(problemAnswer, 'The format is not recognised.'),
  429: json(problemAnswer, 'Too much is waiting: come back after Retry-After seconds.'),
  503: json(problemAnswer, 'The node is starting, stopping or in trouble.'),
  507: json(problemAnswer, 'The disk or the log is full.'),
} as const;

const accessesRoute = createRoute({
  method: 'post',
  path: '/v1/accesses',
  summary: 'Take accesses in; the answer means that they are durable',
  description:
    'The body is any log that Anteroom reads: NDJSON, CSV, Arrow IPC, Common or Combined Log Format and others, also gzip or zstd. Send a file with curl --data-binary @access.log.',
  request: { query: accessesQuery, headers: originHeaders },
  responses: { 200: json(acceptedAnswer, 'Durable.'), ...ingestProblems },
});

const trainRoute = createRoute({
  method: 'post',
  path: '/prefetch/train',
  summary: 'Submit user access data to learn from',
  request: { headers: originHeaders, body: { required: true, content: { 'application/json': { schema: trainBody } } } },
  responses: { 200: json(acceptedAnswer, 'Durable.'), ...ingestProblems },
});

export function ingestRoutes(app: OpenAPIHono, node: AnteroomNode, metrics: NodeMetrics, clock: Clock): void {
  const quotas = new IngestQuotas(clock);
  app.openapi(accessesRoute, (c) => {
    const { format, lenient, columns, 'time-unit': timeUnit } = c.req.valid('query');
    const type = (c.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
    return admitted(c, node, metrics, quotas, () =>
      kept(c, node, metrics, async () => [
        withLines(await readBody(c.req.raw, node.config.http.bodyBytesMax), type),
        {
          format: format === 'auto' ? (formatOfType[type] ?? 'auto') : format,
          isLenient: lenient !== '0' && lenient !== 'false',
          ...(columns === undefined ? {} : { columns: columnsOf(columns) }),
          ...(timeUnit === undefined ? {} : { timeUnit }),
        },
      ]),
    ) as never;
  });

  // The schema reads the whole body before the route is entered: so room is taken, and a bound set, before that.
  app.use('/prefetch/train', (c, next) =>
    admitted(c, node, metrics, quotas, async () => {
      const bounded = bodyLimit({
        maxSize: node.config.http.bodyBytesMax,
        onError: (over) => {
          metrics.posted('refused');
          return problem(over, tooLarge(node.config.http.bodyBytesMax));
        },
      });
      return (await bounded(c, next)) ?? undefined;
    }),
  );
  app.openapi(trainRoute, (c) => {
    const { accesses } = c.req.valid('json');
    const lines = accesses.map(({ user_id, data_id, timestamp, size }) =>
      JSON.stringify({
        consumer: user_id,
        segment: data_id,
        ...(timestamp === undefined ? {} : { time: timestamp }),
        ...(size === undefined ? {} : { size }),
      }),
    );
    const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
    return kept(c, node, metrics, async () => [bytes, { format: 'ndjson', timeUnit: 'ms' }]) as never;
  });
}

/**
 * curl -d strips line breaks, and what is left may look like one access; curl -F puts a form around the log.
 * @throws AnteroomError 'bad-usage', 'unsupported'.
 */
function withLines(body: Uint8Array, type: string): Uint8Array {
  if (type === 'multipart/form-data')
    throw new AnteroomError(
      'unsupported',
      'a form is not taken, send the log itself: curl --data-binary @FILE, not -F',
    );
  const isText = body.length > 512 && body.subarray(0, 256).every((byte) => byte >= 9 && byte !== 127);
  if (type === 'application/x-www-form-urlencoded' && isText && !body.includes(LINE_FEED))
    throw new AnteroomError('bad-usage', 'the body has no line breaks: curl -d strips them, use --data-binary @FILE');
  return body;
}

/** Takes room for a post, lets it be handled, and gives the room back. */
async function admitted(
  c: Context,
  node: AnteroomNode,
  metrics: NodeMetrics,
  quotas: IngestQuotas,
  handle: () => Promise<Response | undefined>,
): Promise<Response | undefined> {
  const { lifeCycle, config } = node;
  const { state } = lifeCycle;
  // While appends fail a post may still try: that is how it is found out that they succeed again.
  if ((state !== 'ready' && state !== 'degraded') || 'engine' in lifeCycle.troubles) {
    metrics.posted('failed');
    return problem(c, new AnteroomError('unavailable', `the node takes no accesses: ${lifeCycle.reasons.join('; ')}`));
  }
  const { bodyBytesMax } = config.http;
  const announced = Number(c.req.header('content-length') ?? bodyBytesMax);
  const token = tokenOf(c);
  if (token !== undefined && token.bytesPerSecondMax !== null) {
    const bytes = Number.isFinite(announced) ? Math.min(announced, bodyBytesMax) : bodyBytesMax;
    const seconds = quotas.take(token.name, token.bytesPerSecondMax, bytes);
    if (seconds > 0) return throttled(c, metrics, seconds, `the quota of ${token.name} is used up`);
  }
  const room = node.intake.admit(Number.isFinite(announced) ? Math.min(announced, bodyBytesMax) : bodyBytesMax);
  if (room === null) return throttled(c, metrics, node.intake.retryAfterSeconds, 'too much is waiting');
  try {
    return await handle();
  } finally {
    room.release();
  }
}

function throttled(c: Context, metrics: NodeMetrics, seconds: number, why: string): Response {
  metrics.posted('throttled');
  c.header('retry-after', String(seconds));
  return c.json({ error: { code: 'limit', message: `${why}; come back in ${seconds} s` } }, 429);
}

/** Keeps and answers a post that was admitted. */
async function kept(
  c: Context,
  node: AnteroomNode,
  metrics: NodeMetrics,
  prepare: () => Promise<readonly [Uint8Array, Partial<PostOptions>]>,
): Promise<Response> {
  const span = node.tracing?.post(c.req.path, c.req.header('traceparent'), c.req.header('tracestate')) ?? null;
  try {
    const origin = originOf(c);
    const [bytes, options] = await prepare();
    const consumers = tokenOf(c)?.consumers ?? null;
    const end = await node.post(bytes, { ...options, consumers }, origin, span);
    const answered = answer(c, end, metrics);
    span?.end(answered.status, {
      'anteroom.format': end.format,
      'anteroom.accesses': end.accepted,
      'anteroom.is_duplicate': end.receipt?.kind === 'duplicate',
    });
    return answered;
  } catch (error) {
    metrics.posted(error instanceof AnteroomError && !error.isRetryable ? 'refused' : 'failed');
    const answered = problem(c, error);
    span?.end(answered.status);
    return answered;
  }
}

function answer(c: Context, end: PostEnd, metrics: NodeMetrics): Response {
  const { receipt, accepted, ...facts } = end;
  if (receipt?.kind === 'refused') {
    metrics.posted('refused');
    const message =
      receipt.reason === 'stale-sequence'
        ? 'the sequence lies too far behind the latest of this producer (log.sequenceWindow)'
        : 'as many producers as may be are remembered (log.producersMax)';
    return c.json({ error: { code: receipt.reason, message } }, 409);
  }
  const isDuplicate = receipt?.kind === 'duplicate';
  metrics.posted(isDuplicate ? 'duplicate' : 'accepted');
  return c.json({
    accepted: isDuplicate ? 0 : accepted,
    duplicate: isDuplicate,
    position: receipt?.kind === 'appended' ? { from: receipt.from, to: receipt.to } : null,
    ...facts,
    rejections: facts.rejections.map(postWords),
  });
}

/** @throws AnteroomError 'bad-usage' for one of the two without the other, 'forbidden' for a producer that the token may not speak as. */
function originOf(c: Context): LogOrigin | null {
  const producer = c.req.header('producer');
  const sequence = c.req.header('sequence');
  if (producer === undefined && sequence === undefined) return null;
  if (producer === undefined || sequence === undefined || !/^\d{1,16}$/.test(sequence))
    throw new AnteroomError('bad-usage', 'expected both headers, producer and a sequence that is a whole number');
  if (isOwnProducer(producer))
    throw new AnteroomError('forbidden', `producer: what begins with source:, tail: or redrive: is the node's own`);
  const token = tokenOf(c);
  if (token !== undefined && !allowsName(token.producers, producer))
    throw new AnteroomError(
      'forbidden',
      `the token ${token.name} may not speak as the producer ${producer.slice(0, 60)}`,
    );
  return { producer, sequence: Number(sequence) };
}

const roles: readonly ColumnRole[] = ['time', 'segment', 'consumer', 'site', 'op', 'size', 'weight'];

function columnsOf(text: string): Partial<Record<ColumnRole, string>> {
  const columns: Partial<Record<ColumnRole, string>> = {};
  for (const entry of text.split(',')) {
    const [role, column] = entry.split('=');
    const known = roles.find((name) => name === role);
    if (known === undefined || column === undefined || column === '')
      throw new AnteroomError(
        'bad-usage',
        `columns: expected ROLE=COLUMN with one of ${roles.join(', ')}, found "${entry}"`,
      );
    columns[known] = column;
  }
  return columns;
}
