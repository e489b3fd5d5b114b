/** How the node does, what it decided and why, and what an operator may ask of it, by HTTP. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { AnteroomError } from '../../../engine/errors.ts';
import type { AnteroomNode } from '../anteroom-node.ts';
import { explainDecision } from '../explain-decision.ts';
import type { ReloadAnswer } from '../reload-settings.ts';
import type { Series } from '../series.ts';
import { limitQuery, problemAnswer } from './answers.ts';

const json = <T>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });
const problems = {
  400: json(problemAnswer, 'A parameter is bad.'),
  401: json(problemAnswer, 'No or an unknown token.'),
  403: json(problemAnswer, 'The token may not do this.'),
  503: json(problemAnswer, 'The node is starting or in trouble.'),
} as const;

/** Answers whose shape is a type of the code and not spelled out twice. */
const facts = (name: string) => z.record(z.string(), z.unknown()).openapi(name);

const decision = z
  .object({
    sequence: z.int(),
    position: z.int(),
    timeMs: z.number().nullable(),
    segment: z.string(),
    kind: z.enum(['issued', 'refused', 'withdrawn', 'ended']),
    reason: z.string().nullable().openapi({ description: 'Why it was refused, or how it ended.' }),
    expert: z.string().nullable(),
    probability: z.number().nullable(),
    sizeBytes: z.number().nullable(),
    why: z.string().openapi({ description: 'The same in a sentence.' }),
  })
  .openapi('Decision');

const decisionsQuery = limitQuery.extend({
  kind: z.enum(['issued', 'refused', 'withdrawn', 'ended']).optional(),
  segment: z.string().optional(),
});

const statusRoute = createRoute({
  method: 'get',
  path: '/v1/status',
  summary: 'State, log, checkpoints, deliveries',
  responses: { 200: json(facts('Status'), 'Now.'), ...problems },
});
const outcomesRoute = createRoute({
  method: 'get',
  path: '/v1/outcomes',
  summary: 'Hits, misses against the ghosts, and how prefetches ended',
  responses: { 200: json(facts('Outcomes'), 'Since the start, or since what was restored.'), ...problems },
});
const governorRoute = createRoute({
  method: 'get',
  path: '/v1/governor',
  summary: 'What bounds prefetching now',
  responses: { 200: json(facts('Governor'), 'Now.'), ...problems },
});
const decisionsRoute = createRoute({
  method: 'get',
  path: '/v1/decisions',
  summary: 'The latest decisions about prefetches, with their reasons',
  request: { query: decisionsQuery },
  responses: { 200: json(z.object({ decisions: z.array(decision) }), 'The latest first.'), ...problems },
});
const seriesRoute = createRoute({
  method: 'get',
  path: '/v1/series',
  summary: 'Counters of the last quarter of an hour, a sample a second',
  responses: { 200: json(z.object({ samples: z.array(facts('Sample')) }), 'The oldest first.'), ...problems },
});
const reloadRoute = createRoute({
  method: 'post',
  path: '/v1/reload',
  summary: 'Read the settings again: what can change does, the rest is named',
  responses: {
    200: json(
      z
        .object({
          applied: z.array(z.string()).openapi({ description: 'Settings in force from now on.' }),
          needsRestart: z.array(z.string()).openapi({ description: 'Different in the file, and not in the node.' }),
        })
        .openapi('Reloaded'),
      'Both may be empty.',
    ),
    ...problems,
  },
});
const drainRoute = createRoute({
  method: 'post',
  path: '/v1/drain',
  summary: 'Stop gracefully',
  responses: { 202: json(z.object({ state: z.string() }), 'It has begun.'), ...problems },
});
const checkpointRoute = createRoute({
  method: 'post',
  path: '/v1/checkpoints',
  summary: 'Take a checkpoint now',
  responses: {
    200: json(z.object({ checkpoint: facts('Checkpoint').nullable() }), 'Null = nothing new since the last one.'),
    ...problems,
  },
});
const checkpointsRoute = createRoute({
  method: 'get',
  path: '/v1/checkpoints',
  summary: 'The checkpoints that are kept',
  request: { query: z.strictObject({ verify: z.enum(['0', '1']).default('0') }) },
  responses: { 200: json(z.object({ checkpoints: z.array(facts('Checkpoint')) }), 'The newest first.'), ...problems },
});
const lettersRoute = createRoute({
  method: 'get',
  path: '/v1/dead-letters',
  summary: 'Requests that a sink could not be given',
  request: { query: limitQuery },
  responses: {
    200: json(z.object({ count: z.int(), letters: z.array(facts('DeadLetter')) }), 'The oldest first.'),
    ...problems,
  },
});
const badMessagesRoute = createRoute({
  method: 'get',
  path: '/v1/bad-messages',
  summary: 'Messages of sources that could not be read, with place and reason; the body is base64',
  request: { query: limitQuery },
  responses: {
    200: json(z.object({ count: z.int(), messages: z.array(facts('BadMessage')) }), 'By source and place.'),
    ...problems,
  },
});
const redriveBody = {
  body: {
    content: {
      'application/json': {
        schema: z.strictObject({ keys: z.array(z.string()).optional().openapi({ description: 'Absent = all.' }) }),
      },
    },
  },
};
const redriveMessagesRoute = createRoute({
  method: 'post',
  path: '/v1/bad-messages/redrive',
  summary: 'Read messages of sources once more, under the settings of now; each counts once however often it is tried',
  request: redriveBody,
  responses: {
    200: json(
      z.object({ taken: z.int(), duplicate: z.int(), failed: z.int(), results: z.array(facts('RedrivenMessage')) }),
      'How each went.',
    ),
    ...problems,
  },
});
const redriveRoute = createRoute({
  method: 'post',
  path: '/v1/dead-letters/redrive',
  summary: 'Try dead letters once more',
  request: redriveBody,
  responses: {
    200: json(z.object({ delivered: z.int(), failed: z.int(), results: z.array(facts('Redriven')) }), 'How each went.'),
    ...problems,
  },
});

export interface OperateOptions {
  readonly series: Series;
  /** Begins the stop of the whole process. */
  readonly onDrain: () => void;
  /** Reads the settings again. @throws AnteroomError for settings that cannot be; then nothing changed. */
  readonly onReload: () => Promise<ReloadAnswer>;
}

export function operateRoutes(app: OpenAPIHono, node: AnteroomNode, options: OperateOptions): void {
  const { series, onDrain, onReload } = options;
  const answersMax = (): number => node.config.http.answersMax;
  const engine = () => {
    if (!node.hasEngine) throw new AnteroomError('unavailable', `the node is ${node.lifeCycle.state}`);
    return node.engine;
  };
  const plain = (value: object): Record<string, unknown> =>
    JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

  app.openapi(statusRoute, (c) => c.json(plain(node.status()), 200));
  app.openapi(outcomesRoute, (c) =>
    c.json(plain({ ...engine().stats(), reliability: engine().site.ledger.calibration.table() }), 200),
  );
  app.openapi(governorRoute, (c) => {
    const { governor, refusals, trafficRatio, live, experts } = engine().stats();
    const { trafficMax, trafficAllowance } = engine().config;
    const accounts = governor.state?.experts ?? [];
    const named = experts.flatMap(({ name }, i) => (accounts[i] === undefined ? [] : [{ name, ...accounts[i] }]));
    const state = governor.state === null ? null : { ...governor.state, experts: named };
    return c.json(plain({ ...governor, state, trafficMax, trafficAllowance, trafficRatio, refusals, live }), 200);
  });
  app.openapi(decisionsRoute, (c) => {
    const { limit = 50, kind, segment } = c.req.valid('query');
    const all = engine().decisions();
    const wanted = all.filter(
      (one) => (kind === undefined || one.kind === kind) && (segment === undefined || one.name === segment),
    );
    const decisions = wanted.slice(0, Math.min(limit, answersMax())).map((one) => ({
      sequence: one.sequence,
      position: one.position,
      timeMs: Number.isNaN(one.timeMs) ? null : one.timeMs,
      segment: one.name,
      kind: one.kind,
      reason: one.reason,
      expert: one.expert,
      probability: one.probability,
      sizeBytes: one.sizeBytes,
      why: explainDecision(one),
    }));
    return c.json({ decisions }, 200);
  });
  app.openapi(seriesRoute, (c) => c.json({ samples: series.samples.map(plain) }, 200));
  app.openapi(reloadRoute, async (c) => {
    const { applied, needsRestart } = await onReload();
    return c.json({ applied: [...applied], needsRestart: [...needsRestart] }, 200);
  });
  app.openapi(drainRoute, (c) => {
    onDrain();
    return c.json({ state: 'draining' }, 202);
  });
  app.openapi(checkpointRoute, async (c) => {
    engine();
    const checkpoint = await node.intake.between(() => node.checkpoint());
    return c.json({ checkpoint: checkpoint === null ? null : plain(checkpoint) }, 200);
  });
  app.openapi(checkpointsRoute, async (c) => {
    const list = await node.checkpoints(c.req.valid('query').verify === '1');
    return c.json({ checkpoints: list.map(plain) }, 200);
  });
  app.openapi(lettersRoute, (c) => {
    const { limit = 100 } = c.req.valid('query');
    return c.json(
      {
        count: node.dispatcher.counts.deadLetters,
        letters: node.dispatcher.deadLetters(Math.min(limit, answersMax())).map(plain),
      },
      200,
    );
  });
  app.openapi(badMessagesRoute, (c) => {
    const { limit = 100 } = c.req.valid('query');
    const messages = node.badMessages(Math.min(limit, answersMax())).map(plain);
    return c.json({ count: node.status().badMessages, messages }, 200);
  });
  app.openapi(redriveMessagesRoute, async (c) => {
    engine();
    const results = await node.redriveMessages(c.req.valid('json').keys ?? null, answersMax());
    const count = (kind: string): number => results.filter(({ end }) => end.kind === kind).length;
    const counts = { taken: count('taken'), duplicate: count('duplicate'), failed: count('failed') };
    return c.json({ ...counts, results: results.map(plain) }, 200);
  });
  app.openapi(redriveRoute, async (c) => {
    const { keys } = c.req.valid('json');
    const results = await node.dispatcher.redrive(keys ?? null, answersMax());
    const delivered = results.filter(({ end }) => end.kind === 'done').length;
    return c.json({ delivered, failed: results.length - delivered, results: results.map(plain) }, 200);
  });
}
