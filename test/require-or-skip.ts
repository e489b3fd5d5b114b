/** When a test may be skipped: a plain reason for people, and no excuse where everything was provided. */

import { existsSync } from 'node:fs';

/**
 * True when a test has to be skipped because `condition` does not hold; meant for `test.skipIf(skipUnless(...))`.
 *
 * Prints the reason once. Under ANTEROOM_CI_REQUIRE=1, which `.ci/run` sets after it has installed what tests need, a
 * condition that does not hold is an error instead, so that nothing goes untested unseen.
 */
export function skipUnless(condition: unknown, reason: string): boolean {
  if (condition) return false;
  if (process.env.ANTEROOM_CI_REQUIRE === '1') throw new Error(`required by ANTEROOM_CI_REQUIRE: ${reason}`);
  tell(reason);
  return true;
}

const traceRoot = new URL('../../shared/traces/', import.meta.url);

/** Whether the real traces stand beside the project. They are not part of it, so `.ci/run` cannot provide them. */
export const hasTraces = existsSync(traceRoot);

/** Path of a real trace, by its name below `../shared/traces`. */
export function tracePath(name: string): string {
  return new URL(name, traceRoot).pathname;
}

/**
 * True when the real traces are absent. Where the folder is there and a trace in it is not, that is an error: a test would
 * otherwise skip for a misspelt name.
 */
export function skipWithoutTraces(...names: readonly string[]): boolean {
  if (!hasTraces) {
    tell('../shared/traces is absent');
    return true;
  }
  for (const name of names) if (!existsSync(tracePath(name))) throw new Error(`../shared/traces has no ${name}`);
  return false;
}

const told = new Set<string>();

function tell(reason: string): void {
  if (told.has(reason)) return;
  told.add(reason);
  console.warn(`skipped: ${reason}`);
}
