/** The node's HTTP application: routes, who may use them, and what describes them. */

import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Clock } from '../../../engine/clock.ts';
import { describeIssue } from '../../../engine/config.ts';
import type { AnteroomNode, NodeLogger } from '../anteroom-node.ts';
import { contentSecurityPolicy } from '../dashboard/dashboard-page.ts';
import type { HttpRefusal, NodeMetrics } from '../node-metrics.ts';
import { authorise, type KnownToken } from './authorise.ts';
import { guardedRoutes } from './guarded-routes.ts';
import { ingestRoutes } from './ingest-routes.ts';
import { describePlainRoutes, openApiDocument } from './openapi-document.ts';
import { type OperateOptions, operateRoutes } from './operate-routes.ts';
import { planRoutes } from './plan-routes.ts';
import { problem } from './problem.ts';
import { questionRoutes } from './question-routes.ts';
import { tooLarge } from './read-body.ts';

export interface AppOptions extends OperateOptions {
  readonly node: AnteroomNode;
  readonly metrics: NodeMetrics;
  readonly tokens: readonly KnownToken[];
  /** The dashboard's page. */
  readonly page: string;
  readonly logger: NodeLogger;
  readonly clock: Clock;
}

/** Names of refusals, for the count of them. A readiness that is asked for and denied is an answer. */
const refusalOf: Readonly<Partial<Record<number, HttpRefusal>>> = {
  400: 'bad-request',
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not-found',
  405: 'wrong-method',
  409: 'conflict',
  413: 'too-large',
  415: 'unknown-format',
  429: 'throttled',
  500: 'fault',
  503: 'unavailable',
  507: 'full',
};

export function createApp(options: AppOptions): OpenAPIHono {
  const { node, metrics, tokens, page, logger } = options;
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const issue = result.error.issues[0]!;
      const { path, text } = describeIssue(issue);
      const isUnknown = issue.code === 'unrecognized_keys';
      const where = issue.path.length === 0 && !isUnknown ? result.target : path;
      const what = isUnknown ? 'not known here' : text;
      return c.json({ error: { code: 'bad-usage', message: `${where}: ${what}` } }, 400);
    },
  });
  app.use('*', async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
    c.header('cache-control', 'no-store');
    const reason = refusalOf[c.res.status];
    if (reason !== undefined && !(c.req.path === '/readyz' && c.res.status === 503)) metrics.refused(reason);
  });
  for (const [method, path, scope] of guardedRoutes) {
    const check = authorise(tokens, scope);
    app.use(path, (c, next) =>
      c.req.method === method || (method === 'GET' && c.req.method === 'HEAD') ? check(c, next) : next(),
    );
  }
  for (const path of ['/v1/dead-letters/redrive', '/v1/bad-messages/redrive'])
    app.use(path, (c, next) =>
      bodyLimit({
        maxSize: node.config.http.bodyBytesMax,
        onError: (over) => problem(over, tooLarge(node.config.http.bodyBytesMax)),
      })(c, next),
    );
  app.onError((error, c) => {
    const answer = problem(c, error);
    if (answer.status === 500 && error.name !== 'AnteroomError')
      logger.error({ error: String(error.stack ?? error), path: c.req.path }, 'a request failed');
    return answer;
  });
  app.notFound((c) => {
    const { method, path } = c.req;
    const allowed = new Set(app.routes.filter((route) => route.path === path).map((route) => route.method));
    allowed.delete('ALL');
    if (allowed.size === 0)
      return c.json({ error: { code: 'not-found', message: `there is no ${path}; see /openapi.json` } }, 404);
    if (allowed.has('GET')) allowed.add('HEAD');
    const list = [...allowed].sort().join(', ');
    c.header('allow', list);
    return c.json({ error: { code: 'bad-usage', message: `${path} takes ${list}, not ${method}` } }, 405);
  });

  // Alive is whoever answers; a node that cannot go on ends its process instead.
  app.get('/healthz', (c) => c.json({ state: node.lifeCycle.state }));
  app.get('/readyz', (c) => ready(c, node));
  app.get('/metrics', async (c) => {
    const text = await metrics.text();
    return c.body(text, 200, { 'content-type': metrics.contentType });
  });
  const policy = contentSecurityPolicy(page);
  app.get('/', (c) => c.html(page, 200, { 'content-security-policy': policy, 'referrer-policy': 'no-referrer' }));
  ingestRoutes(app, node, metrics, options.clock);
  questionRoutes(app, node);
  planRoutes(app, node);
  operateRoutes(app, node, options);
  describePlainRoutes(app);
  app.get('/openapi.json', (c) => c.json(openApiDocument(app, tokens.length > 0)));
  return app;
}

function ready(c: Context, node: AnteroomNode): Response {
  const { lifeCycle } = node;
  const body = { ready: lifeCycle.isReady, state: lifeCycle.state, reasons: lifeCycle.reasons };
  return c.json(body, lifeCycle.isReady ? 200 : 503);
}
