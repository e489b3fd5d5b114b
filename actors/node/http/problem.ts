/** Faults as answers: one shape, one status for each kind. */

import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { AnteroomError, type ErrorCode } from '../../../engine/errors.ts';

type Status = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503 | 507;

const statusOf: Readonly<Partial<Record<ErrorCode, Status>>> = {
  'bad-usage': 400,
  'bad-config': 400,
  'bad-record': 400,
  truncated: 400,
  'unknown-format': 415,
  unsupported: 415,
  'not-found': 404,
  limit: 413,
  'disk-full': 507,
  unavailable: 503,
  'actor-stopped': 503,
  unauthorised: 401,
  forbidden: 403,
  corrupt: 503,
};

/** `{ error: { code, message, context } }` with the status that fits; 500 tells nothing of the inside. */
export function problem(c: Context, error: unknown): Response {
  // Hono's own refusals: a body that is no JSON, a content type that is none.
  if (error instanceof HTTPException && error.status < 500)
    return c.json({ error: { code: 'bad-usage', message: error.message } }, error.status);
  if (!(error instanceof AnteroomError))
    return c.json({ error: { code: 'internal', message: 'a fault of the node; its log has it' } }, 500);
  // What is left of a body that is not read would be taken for the next request.
  if (error.code === 'limit' || error.code === 'truncated') c.header('connection', 'close');
  const status = statusOf[error.code] ?? (error.isRetryable ? 503 : 500);
  if (status === 503 || status === 507) c.header('retry-after', '5');
  const { file, ...context } = error.context;
  const facts = file === undefined || file === '<bytes>' ? context : error.context;
  return c.json({ error: { code: error.code, message: postWords(error.message), context: facts } }, status);
}

/** What a reader says, to whoever posted what it read: it was no file, and there is no command line. */
export function postWords(message: string): string {
  return message
    .replace(/^<bytes>:(?=\d)/, 'line ')
    .replace(/^<bytes>: /, '')
    .replace(/--(columns|format|time-unit) /g, '?$1=')
    .replace(/--lenient\b/g, '?lenient=1');
}
