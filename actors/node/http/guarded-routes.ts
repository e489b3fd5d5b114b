/** What each path asks for, the first that fits; all others are free of data: health, the page, the document. */

import type { Scope } from '../node-config.ts';

export const guardedRoutes: readonly (readonly [method: 'GET' | 'POST', path: string, scope: Scope])[] = [
  ['POST', '/v1/accesses', 'ingest'],
  ['POST', '/prefetch/train', 'ingest'],
  ['POST', '/v1/drain', 'admin'],
  ['POST', '/v1/reload', 'admin'],
  ['POST', '/v1/checkpoints', 'admin'],
  ['POST', '/v1/dead-letters/redrive', 'admin'],
  ['POST', '/v1/bad-messages/redrive', 'admin'],
  ['GET', '/v1/*', 'read'],
  ['GET', '/prefetch/*', 'read'],
  ['GET', '/metrics', 'read'],
];

/** The scope that a request needs; null = none. */
export function scopeOf(method: string, path: string): Scope | null {
  const found = guardedRoutes.find(
    ([known, pattern]) =>
      known === method && (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern),
  );
  return found?.[2] ?? null;
}
