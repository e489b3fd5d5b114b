/** Questions about what is expected and what is known, by HTTP. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { AnteroomError } from '../../../engine/errors.ts';
import type { NamedUse } from '../../engine/engine-models.ts';
import type { ModelAnswers } from '../../engine/model-answers.ts';
import type { AnteroomNode } from '../anteroom-node.ts';
import { explainForecasts } from '../explain-forecast.ts';
import { forecastItem, forecastQuery, limitQuery, predictAnswer, problemAnswer } from './answers.ts';

const json = <T>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });
const problems = {
  400: json(problemAnswer, 'A parameter is bad.'),
  401: json(problemAnswer, 'No or an unknown token.'),
  403: json(problemAnswer, 'The token may not read.'),
  404: json(problemAnswer, 'Not known.'),
  503: json(problemAnswer, 'The node is starting or in trouble.'),
} as const;
const get = { method: 'get' } as const;

const use = z
  .object({
    segment: z.string(),
    count: z.number().openapi({ description: 'Accesses since it is known.' }),
    frequency: z.number().openapi({ description: 'Accesses, decayed by age.' }),
    bytes: z.number(),
    lastAccess: z.number().openapi({ description: 'Event time, ms.' }),
    consumers: z.number().openapi({ description: 'About how many.' }),
  })
  .openapi('SegmentUse');

const edge = z
  .object({
    source: z.string(),
    target: z.string(),
    confidence: z.number(),
    support: z.number(),
    lift: z.number(),
    lagMeanMs: z.number(),
    depth: z.int(),
  })
  .openapi('Dependency');

const forecastRoute = createRoute({
  ...get,
  path: '/v1/forecast',
  summary: 'What is likely to be accessed next, and why',
  request: { query: forecastQuery },
  responses: {
    200: json(
      z.object({
        consumer: z.string().nullable(),
        after: z.string().nullable(),
        position: z.int(),
        forecasts: z.array(forecastItem),
      }),
      'The most likely first.',
    ),
    ...problems,
  },
});
const predictRoute = createRoute({
  ...get,
  path: '/prefetch/predict',
  summary: 'Predictions for a user',
  request: {
    query: z.strictObject({
      user_id: z.string().min(1),
      k: z.coerce.number().int().min(1).max(1000).default(10),
      horizon_ms: z.coerce.number().positive().optional(),
    }),
  },
  responses: { 200: json(predictAnswer, 'The most likely first.'), ...problems },
});
const mapRoute = createRoute({
  ...get,
  path: '/v1/access-map',
  summary: 'How much a segment is used',
  request: { query: z.strictObject({ segment: z.string() }) },
  responses: { 200: json(use, 'Its use.'), ...problems },
});
const hotRoute = createRoute({
  ...get,
  path: '/v1/hot-segments',
  summary: 'The most used segments, decayed by age',
  request: { query: limitQuery },
  responses: { 200: json(z.object({ segments: z.array(use) }), 'Best first.'), ...problems },
});
const graphRoute = createRoute({
  ...get,
  path: '/v1/graph',
  summary: 'What follows a segment, what follows that, and what leads to it',
  request: {
    query: z.strictObject({
      segment: z.string(),
      depth: z.coerce.number().int().min(1).max(4).default(2),
      fanout: z.coerce.number().int().min(1).max(50).default(8),
    }),
  },
  responses: {
    200: json(
      z.object({
        segment: z.string(),
        edges: z.array(edge).openapi({ description: 'Out of it and on, near ones first.' }),
        before: z.array(edge).openapi({ description: 'Into it, the best supported first, `fanout` at most.' }),
      }),
      'The edges around it.',
    ),
    ...problems,
  },
});

export function questionRoutes(app: OpenAPIHono, node: AnteroomNode): void {
  const answersMax = (): number => node.config.http.answersMax;
  const engine = () => {
    if (!node.hasEngine || node.lifeCycle.state === 'starting' || node.lifeCycle.state === 'recovering')
      throw new AnteroomError('unavailable', `the node is ${node.lifeCycle.state}`);
    return node.engine;
  };
  const models = (): ModelAnswers => {
    engine();
    return node.models;
  };

  app.openapi(forecastRoute, async (c) => {
    const { consumer, segment, horizonMs, count } = c.req.valid('query');
    const found = await models().forecast({
      count,
      ...(consumer === undefined ? {} : { consumer }),
      ...(segment === undefined ? {} : { segment }),
      ...(horizonMs === undefined ? {} : { horizonMs }),
    });
    const last = engine().lastAccess(consumer);
    if (consumer !== undefined && engine().consumers.idOf(consumer) < 0)
      throw new AnteroomError('not-found', `no access of consumer ${consumer} has been seen`);
    const why = await explainForecasts(engine(), models(), found, consumer ?? null);
    const who = last === null || last.consumer < 0 ? null : engine().consumers.nameOf(last.consumer);
    return c.json(
      {
        consumer: consumer ?? who,
        after: last?.name ?? null,
        position: engine().position,
        forecasts: found.map((forecast, i) => ({
          segment: forecast.name,
          probability: forecast.probability,
          horizonMs: forecast.horizonMs,
          expert: forecast.expert,
          why: [...why[i]!],
        })),
      },
      200,
    );
  });

  app.openapi(predictRoute, async (c) => {
    const { user_id, k, horizon_ms } = c.req.valid('query');
    const isKnown = engine().consumers.idOf(user_id) >= 0;
    const found = await models().forecast({
      consumer: isKnown ? user_id : -1,
      count: k,
      ...(horizon_ms === undefined ? {} : { horizonMs: horizon_ms }),
    });
    const why = await explainForecasts(engine(), models(), found, isKnown ? user_id : null);
    return c.json(
      {
        user_id,
        is_known: isKnown,
        predictions: found.map((forecast, i) => ({
          data_id: forecast.name,
          probability: forecast.probability,
          horizon_ms: forecast.horizonMs,
          expert: forecast.expert,
          why: [...why[i]!],
        })),
      },
      200,
    );
  });

  app.openapi(mapRoute, async (c) => {
    const { segment } = c.req.valid('query');
    const [found = null] = await models().uses([segment]);
    if (found === null) throw new AnteroomError('not-found', `no access to ${segment} has been seen`);
    return c.json(useAnswer(found), 200);
  });

  app.openapi(hotRoute, async (c) => {
    const { limit = 20 } = c.req.valid('query');
    const found = await models().hotSegments(Math.min(limit, answersMax()));
    return c.json({ segments: found.map(useAnswer) }, 200);
  });

  app.openapi(graphRoute, async (c) => {
    const { segment, depth, fanout } = c.req.valid('query');
    if (engine().segments.idOf(segment) < 0)
      throw new AnteroomError('not-found', `no access to ${segment} has been seen`);
    const seen = new Set([segment]);
    const edges: z.output<typeof edge>[] = [];
    let front = [segment];
    for (let level = 1; level <= depth && front.length > 0; level++) {
      const next: string[] = [];
      const found = await models().successors(front, fanout);
      for (const [i, source] of front.entries()) {
        for (const { name, confidence, support, lift, lagMean } of found[i]!) {
          if (edges.length >= answersMax()) break;
          edges.push({ source, target: name, confidence, support, lift, lagMeanMs: lagMean, depth: level });
          // A cycle is an edge, and is not walked again.
          if (!seen.has(name)) next.push(name);
          seen.add(name);
        }
      }
      front = next;
    }
    const sources = await models().predecessors(segment, fanout);
    const before = sources.map(({ name, confidence, support, lift, lagMean }) => ({
      source: name,
      target: segment,
      confidence,
      support,
      lift,
      lagMeanMs: lagMean,
      depth: 1,
    }));
    return c.json({ segment, edges, before }, 200);
  });
}

function useAnswer(found: NamedUse) {
  const { name, count, frequency, bytes, consumers } = found;
  return { segment: name, count, frequency, bytes, lastAccess: found.last, consumers };
}
