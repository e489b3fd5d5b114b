/** The OpenAPI document of a node: the routes as their schemas say, the plain ones, and which scope each needs. */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { VERSION } from '../../../engine/version.ts';
import { scopeOf } from './guarded-routes.ts';

const text = (description: string) => ({ description, content: { 'text/plain': { schema: z.string() } } });
const json = <T>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });

/** Adds what no zod route describes; to be called once. */
export function describePlainRoutes(app: OpenAPIHono): void {
  const { openAPIRegistry: registry } = app;
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  registry.registerPath({
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process is alive',
    responses: { 200: json(z.object({ state: z.string() }), 'It is.') },
  });
  const ready = z.object({ ready: z.boolean(), state: z.string(), reasons: z.array(z.string()) });
  registry.registerPath({
    method: 'get',
    path: '/readyz',
    summary: 'Whether accesses are taken and questions answered',
    responses: { 200: json(ready, 'Yes.'), 503: json(ready, 'No, and why.') },
  });
  registry.registerPath({
    method: 'get',
    path: '/metrics',
    summary: 'Prometheus metrics',
    responses: { 200: text('In the text format of Prometheus.') },
  });
}

/** `hasTokens` = requests need one; then each operation names its scope. */
export function openApiDocument(app: OpenAPIHono, hasTokens: boolean): object {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Anteroom node',
      version: VERSION,
      description: 'Accesses in, forecasts and prefetch requests out.',
    },
    servers: [{ url: '/' }],
  });
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of ['get', 'post'] as const) {
      const operation = item[method];
      if (operation === undefined) continue;
      const scope = scopeOf(method.toUpperCase(), path);
      operation.operationId ??= `${method}${path.replace(/[^a-z0-9]+(\w)/gi, (_, letter: string) => letter.toUpperCase())}`;
      operation.tags ??= [scope ?? 'open'];
      if (scope === null) continue;
      operation.description = [operation.description, `Scope: ${scope}.`].filter(Boolean).join(' ');
      if (hasTokens) operation.security = [{ token: [scope] }];
    }
  }
  return document;
}
