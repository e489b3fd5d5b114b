/** The operator: accesses of a stream in, prefetches out. */

import {
  concat,
  concatMap,
  defer,
  finalize,
  from,
  lastValueFrom,
  map,
  NEVER,
  of,
  Subject,
  take,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { Access } from '../../../actors/engine/access-intake.ts';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import { prefetching } from '../../../actors/engine/prefetching.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

const config = { capacity: 20, trafficMax: null };

function loop(rounds: number): readonly Access[] {
  return Array.from({ length: rounds * 40 }, (_, i) => ({
    segment: `/page/${i % 40}`,
    consumer: 'ann',
    timeMs: 1000 * (i + 1),
  }));
}

describe('prefetching', () => {
  test('fetches what comes next and says what was staged', async () => {
    const fetched: string[] = [];
    const results = await lastValueFrom(
      from(loop(12)).pipe(
        prefetching({
          config,
          clock: new VirtualClock(),
          fetch: ({ name }) => {
            fetched.push(name);
            return of(100);
          },
        }),
        toArray(),
      ),
    );
    expect(results.length).toBe(fetched.length);
    expect(results.filter((r) => r.isStaged).length).toBeGreaterThan(20);
    expect(results.every((r) => r.error === null)).toBe(true);
  });

  test('an error of a fetch is its result, thrown or emitted, and the stream goes on', async () => {
    let count = 0;
    const results = await lastValueFrom(
      from(loop(12)).pipe(
        prefetching({
          config,
          clock: new VirtualClock(),
          fetch: () => {
            if (count++ % 2 === 0) throw new Error('at once');
            return throwError(() => new Error('later'));
          },
        }),
        toArray(),
      ),
    );
    expect(results.length).toBeGreaterThan(20);
    expect(new Set(results.map((r) => (r.error as Error).message))).toEqual(new Set(['at once', 'later']));
    expect(results.some((r) => r.isStaged)).toBe(false);
  });

  test('has no more than live.concurrencyMax fetches under way, and completes when the last is done', async () => {
    let underWay = 0;
    let most = 0;
    const results = await lastValueFrom(
      from(loop(12)).pipe(
        concatMap((access) => timer(0).pipe(map(() => access))),
        prefetching({
          config: { ...config, live: { concurrencyMax: 2 } },
          clock: new VirtualClock(),
          fetch: () =>
            defer(() => {
              most = Math.max(most, ++underWay);
              return timer(3).pipe(
                map(() => {
                  underWay--;
                  return 100;
                }),
              );
            }),
        }),
        toArray(),
      ),
    );
    expect(most).toBe(2);
    expect(underWay).toBe(0);
    expect(results.length).toBeGreaterThan(10);
  });

  test('who unsubscribes ends the fetches under way', () => {
    let started = 0;
    let ended = 0;
    const source = new Subject<Access>();
    const subscription = source
      .pipe(
        prefetching({
          config,
          clock: new VirtualClock(),
          fetch: () => {
            started++;
            return NEVER.pipe(finalize(() => ended++));
          },
        }),
      )
      .subscribe();
    for (const access of loop(12)) source.next(access);
    expect(started).toBeGreaterThan(0);
    subscription.unsubscribe();
    expect(ended).toBe(started);
    expect(source.observed).toBe(false);
  });

  test('an error of the source is its error, and an engine of the caller’s goes on', async () => {
    const engine = createEngine({ config });
    const failing = concat(
      from(loop(2)),
      throwError(() => new Error('source')),
    );
    await expect(lastValueFrom(failing.pipe(prefetching({ engine, fetch: () => of(1) })))).rejects.toThrow('source');
    expect(engine.position).toBe(80);
    engine.observe({ segment: 'more' });
  });

  test('an access that cannot be is an error of the stream', async () => {
    const bad = of<Access>({ segment: 'a', timeMs: Number.NaN });
    await expect(lastValueFrom(bad.pipe(prefetching({ fetch: () => of(1) }), take(1)))).rejects.toThrow(/timeMs/);
  });
});
