/** What the node means to stage, and how much demand it expects, by HTTP. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { AnteroomError } from '../../../engine/errors.ts';
import { hourMs } from '../../aggregator/hour-of-week.ts';
import { isEngineTimed } from '../../engine/engine-config.ts';
import type { EnginePlan } from '../../engine/engine-plans.ts';
import { farLoopOf } from '../../far-loop-config.ts';
import type { AnteroomNode } from '../anteroom-node.ts';
import { explainPlan } from '../explain-plan.ts';
import type { OutgoingRequest } from '../sinks/sink.ts';
import { limitQuery, problemAnswer } from './answers.ts';

const json = <T>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });
const problems = {
  400: json(problemAnswer, 'A parameter is bad.'),
  401: json(problemAnswer, 'No or an unknown token.'),
  403: json(problemAnswer, 'The token may not read.'),
  503: json(problemAnswer, 'The node is starting or in trouble.'),
} as const;

const states = ['planned', 'queued', 'open', 'staged'] as const;
type State = (typeof states)[number];

const plan = z
  .object({
    segment: z.string(),
    state: z.enum(states).openapi({
      description:
        'planned: wanted by the far loop, not taken yet. queued: waits for a fetch slot. open: being fetched. staged: here, and not asked for yet.',
    }),
    expert: z.string().nullable().openapi({ description: 'Who asked.' }),
    loop: z.enum(['near', 'far']).openapi({ description: 'near: asked at an access. far: planned at a tick.' }),
    probability: z.number().nullable().openapi({ description: 'P(asked for before it would leave).' }),
    sizeBytes: z.number(),
    savesMs: z.number().nullable().openapi({ description: 'Waiting that it is expected to save, ms.' }),
    netBenefit: z
      .number()
      .nullable()
      .openapi({ description: 'In the currency of engine.prices; of what the far loop planned.' }),
    startBy: z.number().nullable().openapi({ description: 'Latest start that is in time, ms of event time.' }),
    expiresAt: z.number().nullable().openapi({ description: 'When its reason has passed, ms of event time.' }),
    position: z.int().nullable().openapi({ description: 'Log position at which it was sent; null = not sent.' }),
    reason: z.string().openapi({ description: 'The same in a sentence.' }),
    request: z
      .object({
        key: z.string(),
        consumer: z.string().nullable(),
        decidedAtMs: z.number(),
        deadlineMs: z.number(),
        isSent: z.boolean().openapi({ description: 'False = it waits for one of engine.live.concurrencyMax slots.' }),
      })
      .nullable()
      .openapi({ description: 'What the sinks were given; null where nothing went out.' }),
  })
  .openapi('Plan');

const plansRoute = createRoute({
  method: 'get',
  path: '/v1/plans',
  summary: 'What is to be staged and has not ended: planned, queued, open, staged, with reasons and values',
  request: { query: limitQuery.extend({ state: z.enum(states).optional() }) },
  responses: {
    200: json(
      z.object({
        mode: z.enum(['prefetching', 'observing']),
        position: z.int(),
        counts: z.record(z.enum(states), z.int()).openapi({ description: 'At most http.answersMax each.' }),
        considered: z
          .record(z.string(), z.number())
          .nullable()
          .openapi({ description: 'What became of the far loop’s candidates since the start; null where it is off.' }),
        plans: z.array(plan),
      }),
      'By state; planned by deadline, queued by value, open by age, staged the latest first.',
    ),
    ...problems,
  },
});

const demandRoute = createRoute({
  method: 'get',
  path: '/v1/demand',
  summary: 'Total demand by the hour: what was, what is expected, and the profile of the week',
  request: {
    query: z.strictObject({
      hours: z.coerce.number().int().min(1).max(168).default(24).openapi({ description: 'Ahead, and back.' }),
    }),
  },
  responses: {
    200: json(
      z
        .object({
          why: z.string().nullable().openapi({ description: 'Why there is nothing to tell; null = there is.' }),
          timeMs: z.number().nullable().openapi({ description: 'Event time of the latest access.' }),
          timeZone: z.string(),
          hours: z
            .array(z.object({ fromMs: z.number(), toMs: z.number(), accesses: z.number(), by: z.string() }))
            .openapi({ description: 'Expected; the first is the hour of the latest access, as a whole.' }),
          past: z
            .array(z.object({ hour: z.string(), accesses: z.number() }))
            .openapi({ description: 'Closed hours of the local clock, the oldest first.' }),
          weekProfile: z
            .array(z.number().nullable())
            .openapi({ description: 'Mean of each hour of the week, Monday 00:00 first; null = never seen.' }),
          error: z
            .object({ mean: z.number(), persistence: z.number() })
            .nullable()
            .openapi({ description: 'Mean absolute error one hour ahead, beside that of "as in the last hour".' }),
          shares: z.record(z.string(), z.number()).openapi({ description: 'Of each way of forecasting.' }),
        })
        .openapi('Demand'),
      'In accesses.',
    ),
    ...problems,
  },
});

export function planRoutes(app: OpenAPIHono, node: AnteroomNode): void {
  const answersMax = (): number => node.config.http.answersMax;
  const engine = () => {
    if (!node.hasEngine || node.lifeCycle.state === 'starting' || node.lifeCycle.state === 'recovering')
      throw new AnteroomError('unavailable', `the node is ${node.lifeCycle.state}`);
    return node.engine;
  };

  app.openapi(plansRoute, (c) => {
    const { limit = 100, state } = c.req.valid('query');
    const { mode } = node.status();
    const isPrefetching = mode === 'prefetching';
    const isSent = ({ segment }: OutgoingRequest): boolean => node.dispatcher.isSent(segment);
    const requests = new Map(node.dispatcher.open(answersMax()).map((request) => [request.segment, request]));
    const all = engine()
      .plans(answersMax())
      .map((found) => answerOf(found, isPrefetching, requests.get(found.name), isSent));
    // A demand came for what was still open: nobody plans it any more, its fetch goes on.
    const planned = new Set(all.filter((one) => one.state === 'open').map(({ segment }) => segment));
    for (const request of requests.values())
      if (!planned.has(request.segment)) all.push(joinedAnswer(request, isSent(request)));
    const counts = Object.fromEntries(
      states.map((name) => [name, all.filter((one) => one.state === name).length]),
    ) as Record<State, number>;
    const wanted = all.filter((one) => state === undefined || one.state === state);
    return c.json(
      {
        mode,
        position: engine().position,
        counts,
        considered: engine().planCounts,
        plans: states
          .flatMap((name) => wanted.filter((one) => one.state === name))
          .slice(0, Math.min(limit, answersMax())),
      },
      200,
    );
  });

  app.openapi(demandRoute, async (c) => {
    const { hours } = c.req.valid('query');
    const { timeZone } = engine().config.farLoop;
    const found = await node.models.demand(hours);
    if (found === null)
      return c.json(
        {
          why:
            farLoopOf(engine().config.farLoop, isEngineTimed(engine().config)) !== null
              ? 'no access with a time has been seen'
              : 'the far loop is off (engine.farLoop.isEnabled)',
          timeMs: null,
          timeZone,
          hours: [],
          past: [],
          weekProfile: [],
          error: null,
          shares: {},
        },
        200,
      );
    const { timeMs, ahead, past, weekProfile, errors, shares } = found;
    return c.json(
      {
        why: null,
        timeMs,
        timeZone,
        hours: ahead.map(({ fromMs, toMs, weight, by }) => ({ fromMs, toMs, accesses: weight, by })),
        past: past.map(({ clockHour, weight }) => ({ hour: localHour(clockHour), accesses: weight })),
        weekProfile: [...weekProfile],
        error: errors === null ? null : { mean: errors.mixed, persistence: errors.persistence },
        shares: { ...shares },
      },
      200,
    );
  });
}

const stateOf: Readonly<Record<EnginePlan['stage'], State>> = {
  planned: 'planned',
  queued: 'queued',
  inFlight: 'open',
  staged: 'staged',
};

function answerOf(
  found: EnginePlan,
  isPrefetching: boolean,
  open: OutgoingRequest | undefined,
  isSent: (open: OutgoingRequest) => boolean,
): z.output<typeof plan> {
  const { name, stage, expert, loop, probability, sizeBytes, savesMs, netBenefit, startBy, expiresAt } = found;
  return {
    segment: name,
    state: stateOf[stage],
    expert,
    loop,
    probability,
    sizeBytes,
    savesMs,
    netBenefit,
    startBy,
    expiresAt,
    position: found.issuedAt,
    reason: explainPlan(found, isPrefetching),
    request: stage === 'inFlight' && open !== undefined ? requestOf(open, isSent(open)) : null,
  };
}

function joinedAnswer(open: OutgoingRequest, isSent: boolean): z.output<typeof plan> {
  const { segment, expert, probability, sizeBytes, position, reason } = open;
  return {
    segment,
    state: 'open',
    expert,
    loop: 'near',
    probability,
    sizeBytes,
    savesMs: null,
    netBenefit: null,
    startBy: null,
    expiresAt: null,
    position,
    reason: `${reason}; it was asked for while it was being fetched`,
    request: requestOf(open, isSent),
  };
}

function requestOf({ key, consumer, decidedAtMs, deadlineMs }: OutgoingRequest, isSent: boolean) {
  return { key, consumer, decidedAtMs, deadlineMs, isSent };
}

/** `2026-11-21T10:00` on the local clock. */
function localHour(clockHour: number): string {
  return new Date(clockHour * hourMs).toISOString().slice(0, 16);
}
