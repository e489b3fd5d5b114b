/** A promise that must settle in time, by the project's clock. */

import type { Clock } from './clock.ts';
import { AnteroomError } from './errors.ts';

/** @throws AnteroomError 'unavailable' after `timeoutMs`; what was under way is left to end unheard. */
export async function withDeadline<T>(clock: Clock, timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, fail) => {
    timer = clock.setTimeout(
      () => fail(new AnteroomError('unavailable', `${what}: no answer in ${timeoutMs} ms`, { isRetryable: true })),
      timeoutMs,
    );
  });
  // The loser of the race may reject later, which is nobody's business then.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
