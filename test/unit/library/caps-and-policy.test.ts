/** Hard caps and the policy hold at every moment, and say what they refused. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusalNames } from '../../../actors/cache-manager/ledger.ts';
import {
  PrefetchCaps,
  type PrefetchCapsConfig,
  prefetchCapsSchema,
} from '../../../actors/cache-manager/prefetch-caps.ts';
import { PrefetchPolicy, prefetchPolicySchema } from '../../../actors/cache-manager/prefetch-policy.ts';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { Engine } from '../../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';
import type { PrefetchRequest } from '../../../actors/engine/prefetch-desk.ts';
import { defaultPrices } from '../../../actors/prices.ts';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import type { RunResult } from '../../../sim/replay/result.ts';

function capsOf(config: Partial<PrefetchCapsConfig>, isTimed = true): PrefetchCaps {
  return new PrefetchCaps(prefetchCapsSchema.parse(config), defaultPrices, isTimed);
}

const refusalOf = (code: number): string | null => (code < 0 ? null : refusalNames[code]!);

/** Reads a loop that does not fit into the cache, whose requests are answered 30 ms later. */
function ran(config: EngineConfigInput, rounds = 12): { engine: Engine; requests: PrefetchRequest[] } {
  const engine = createEngine({ config: { capacity: 20, trafficMax: null, ...config } });
  const requests: PrefetchRequest[] = [];
  engine.prefetches$.subscribe((request) => {
    requests.push(request);
    engine.landed(request.id, { timeMs: request.timeMs + 30 });
  });
  for (let i = 0; i < rounds * 40; i++)
    engine.observe({ segment: `/page/${i % 40}`, timeMs: 1000 * (i + 1), size: 100 });
  return { engine, requests };
}

/** The run with prefetching of a replay with these settings. */
async function replayed(settings: object): Promise<RunResult> {
  const { result } = await replay({
    traces: ['workload:chains,segments=300,accesses=4000'],
    latency: '4req',
    cache: '0.05',
    prefetch: ['anteroom'],
    config: replayConfigSchema.parse(settings),
  });
  return result.runs.find((run) => run.prefetch === 'anteroom')!;
}

const free = ran({}).requests.length;

describe('caps', () => {
  const settings: readonly (readonly [
    EngineConfigInput['caps'],
    string,
    (requests: readonly PrefetchRequest[]) => void,
  ])[] = [
    [{ requestsMax: 17 }, 'requestTotal', (requests) => expect(requests).toHaveLength(17)],
    [{ bytesMax: 1750 }, 'byteTotal', (requests) => expect(requests).toHaveLength(17)],
    [{ spendingMax: 17.5 * (4e-7 + (100 / 1e9) * 0.09) }, 'spending', (requests) => expect(requests).toHaveLength(17)],
    [
      { requestsPerSecondMax: 0.1, burstSeconds: 10 },
      'requestRate',
      (requests) => {
        for (let i = 1; i < requests.length; i++) {
          expect(requests[i]!.timeMs - requests[i - 1]!.timeMs).toBeGreaterThanOrEqual(9999);
        }
      },
    ],
    [
      { bytesPerSecondMax: 10, burstSeconds: 20 },
      'byteRate',
      (requests) => {
        for (let i = 2; i < requests.length; i++) {
          expect(requests[i]!.timeMs - requests[i - 2]!.timeMs).toBeGreaterThanOrEqual(9999);
        }
      },
    ],
  ];

  test.each(settings)('%j is kept, and %s counts what it refused', (caps, name, check) => {
    const { engine, requests } = ran({ caps });
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.length).toBeLessThan(free);
    // A rate lets more through than its first burst, or there would be no distances to look at.
    if (name.endsWith('Rate')) expect(requests.length).toBeGreaterThan(10);
    check(requests);
    expect(engine.stats().refusals[name as 'spending']).toBeGreaterThan(0);
    const refused = engine.decisions().find((d) => d.kind === 'refused' && d.reason === name)!;
    expect(refused.expert).not.toBeNull();
    expect(refused.probability).toBeGreaterThan(0);
    expect(engine.stats().missClasses.throttled).toBeGreaterThan(0);
  });

  test('concurrencyMax holds where fetches are modelled', () => {
    const mostInFlight = (concurrencyMax: number | null): { most: number; refused: number } => {
      const config = {
        mode: 'modelled',
        capacity: 20,
        trafficMax: null,
        latency: '2500ms',
        caps: { concurrencyMax },
      } as const;
      const engine = createEngine({ config });
      let most = 0;
      for (let i = 0; i < 480; i++) {
        engine.observe({ segment: `/page/${i % 40}`, timeMs: 1000 * (i + 1) });
        most = Math.max(most, engine.stats().cache.inFlight);
      }
      return { most, refused: engine.stats().refusals.concurrency };
    };
    expect(mostInFlight(null).most).toBeGreaterThan(1);
    expect(mostInFlight(null).refused).toBe(0);
    expect(mostInFlight(1).most).toBe(1);
    expect(mostInFlight(1).refused).toBeGreaterThan(0);
  });

  test('a replay keeps them by its config', async () => {
    expect((await replayed({ caps: { requestsMax: 25 } })).prefetches.issued).toBe(25);
  });

  test('a rate where nothing is timed is refused with its name', async () => {
    const config = replayConfigSchema.parse({ caps: { bytesPerSecondMax: 1 } });
    const replaying = replay({
      traces: ['workload:chains,segments=300,accesses=400'],
      latency: '4req',
      prefetch: ['anteroom'],
      config,
    });
    await expect(replaying).rejects.toThrow(/caps\.bytesPerSecondMax: a rate needs a latency in time/);
  });

  test('unset they are asked nothing and change nothing', () => {
    expect(ran({ caps: { burstSeconds: 3 } }).requests).toEqual(ran({}).requests);
    expect(ran({}).engine.stats().governor.spent).toBeNull();
  });

  test('law: over any span what was sent is at most the burst and the rate over that span, and only what would exceed it is refused', () => {
    const step = fc.record({ waitMs: fc.nat(3000), bytes: fc.integer({ min: 1, max: 400 }) });
    /** By how much one more of `bytes` at `now` would exceed the tightest span that ends with it; requests and bytes, 0 or less = not at all. */
    const excess = (sent: readonly { at: number; bytes: number }[], now: number, bytes: number): number => {
      let [count, total, most] = [1, bytes, Math.max(1 - 4, bytes - 600)];
      for (const one of sent.toReversed()) {
        count++;
        total += one.bytes;
        const seconds = (now - one.at) / 1000;
        most = Math.max(most, count - 4 - 2 * seconds, total - 600 - 300 * seconds);
      }
      return most;
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const caps = capsOf({ requestsPerSecondMax: 2, bytesPerSecondMax: 300, burstSeconds: 2 });
        const sent: { readonly at: number; readonly bytes: number }[] = [];
        let now = 1e12;
        for (const { waitMs, bytes } of steps) {
          now += waitMs;
          if (caps.refusal(bytes, now, 0) >= 0) {
            expect(excess(sent, now, bytes)).toBeGreaterThan(-1e-6);
            continue;
          }
          caps.sent(bytes);
          sent.push({ at: now, bytes });
        }
        for (let i = 0; i < sent.length; i++) {
          let bytes = 0;
          for (let j = i; j < sent.length; j++) {
            bytes += sent[j]!.bytes;
            const seconds = (sent[j]!.at - sent[i]!.at) / 1000;
            expect(j - i + 1).toBeLessThanOrEqual(4 + 2 * seconds + 1e-9);
            expect(bytes).toBeLessThanOrEqual(600 + 300 * seconds + 1e-6);
          }
        }
      }),
    );
  });

  test('a rate of less than one request in a burst let none through at all, ever', () => {
    // A prefetch in a hundred seconds; in the ten of a burst a tenth of one was saved up.
    const { requests } = ran({ caps: { requestsPerSecondMax: 0.01 } });
    expect(requests.length).toBeGreaterThan(3);
    for (let i = 1; i < requests.length; i++)
      expect(requests[i]!.timeMs - requests[i - 1]!.timeMs).toBeGreaterThanOrEqual(99_999);
    // 49 times a 49th is less than 1.
    for (const requestsPerSecondMax of [1 / 49, 0.07, 1e-3]) {
      const caps = capsOf({ requestsPerSecondMax, burstSeconds: 1 });
      expect(caps.refusal(1, 0, 0)).toBe(-1);
      caps.sent(1);
      expect(refusalOf(caps.refusal(1, 990 / requestsPerSecondMax, 0))).toBe('requestRate');
      expect(caps.refusal(1, 1010 / requestsPerSecondMax, 0)).toBe(-1);
    }
  });

  test('the total is refused before the rate, so that one knows waiting will not help', () => {
    const caps = capsOf({ requestsMax: 1, requestsPerSecondMax: 1, burstSeconds: 1 });
    expect(caps.refusal(1, 0, 0)).toBe(-1);
    caps.sent(1);
    expect(refusalOf(caps.refusal(1, 0, 0))).toBe('requestTotal');
  });
});

describe('the policy', () => {
  test('prefetches no name that is denied, or that is not allowed', () => {
    const { engine, requests } = ran({ policy: { allow: ['/page/*'], deny: ['*7', '/page/1?'] } });
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.filter(({ name }) => name.endsWith('7') || /^\/page\/1.$/.test(name))).toEqual([]);
    expect(engine.stats().refusals.denied).toBeGreaterThan(0);
    expect(ran({ policy: { allow: ['/elsewhere/*'] } }).requests).toEqual([]);
  });

  const matches: readonly (readonly [string, string, boolean])[] = [
    ['*', '', true],
    ['/cart*', '/cart/add', true],
    ['/cart*', '/a/cart', false],
    ['*/cart/*', '/shop/cart/add', true],
    ['a.b', 'axb', false],
    ['a?c', 'abc', true],
    ['a?c', 'a😀c', true],
    ['(*)[+]', '(x)[+]', true],
    ['a*c', 'a\nc', true],
    ['*a*b', 'aab', true],
    ['*ab', 'aabab', true],
    ['**', 'x', true],
    ['?', '', false],
    ['a*', 'b*', false],
    // What an expression would take longer than a life for.
    [`${'*a'.repeat(30)}*c`, 'a'.repeat(2000), false],
  ];
  test.each(matches)('deny %j against %j: %j', (pattern, name, isDenied) => {
    const policy = new PrefetchPolicy(prefetchPolicySchema.parse({ deny: [pattern] }), () => name);
    expect(refusalOf(policy.refusal(0))).toBe(isDenied ? 'denied' : null);
  });

  test('law: a pattern fits what an expression written for it fits', () => {
    const characters = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 6 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(characters, name, (pattern, text) => {
        fc.pre(pattern.length > 0);
        const source = pattern.map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c)).join('');
        const policy = new PrefetchPolicy(prefetchPolicySchema.parse({ deny: [pattern.join('')] }), () => text);
        expect(policy.refusal(0) >= 0).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('readOnly leaves alone what was changed and never read, and what another operation was made on', () => {
    const policy = new PrefetchPolicy(prefetchPolicySchema.parse({ readOnly: true }), String);
    expect(policy.refusal(5000)).toBe(-1);
    policy.observe(5000, 1);
    expect(refusalOf(policy.refusal(5000))).toBe('unsafe');
    policy.observe(5000, 0);
    expect(policy.refusal(5000)).toBe(-1);
    policy.observe(5000, 3);
    expect(refusalOf(policy.refusal(5000))).toBe('unsafe');
  });

  test('an engine is readOnly unless it is told otherwise, whatever else the policy says', () => {
    expect(createEngine().config.policy.readOnly).toBe(true);
    expect(createEngine({ config: { policy: { deny: ['x'] } } }).config.policy.readOnly).toBe(true);
    const posts = (policy: EngineConfigInput['policy'] & object): number => {
      const engine = createEngine({ config: { capacity: 20, trafficMax: null, writes: 'access', policy } });
      let count = 0;
      engine.prefetches$.subscribe(({ id }) => {
        count++;
        engine.failed(id);
      });
      for (let i = 0; i < 480; i++) engine.observe({ segment: `/cart/${i % 40}`, op: 'other', timeMs: 1000 * (i + 1) });
      return count;
    };
    expect(posts({})).toBe(0);
    expect(posts({ readOnly: false })).toBeGreaterThan(0);
  });

  test('a replay keeps it by its config', async () => {
    const none = await replayed({ policy: { deny: ['*'] } });
    expect(none.prefetches.issued).toBe(0);
    expect(none.refusals.denied).toBeGreaterThan(0);
    const some = await replayed({ policy: { allow: ['*1*'] } });
    expect(some.prefetches.issued).toBeGreaterThan(0);
    expect(some.refusals.denied).toBeGreaterThan(0);
  });
});

describe('versions', () => {
  test('another version ends the copies, the same one does not', () => {
    const engine = createEngine();
    for (const version of ['v1', 'v1', 'v2', 'v2']) engine.observe({ segment: 'a', version, timeMs: 1 });
    expect(engine.stats()).toMatchObject({ misses: 2, hits: 2 });
    engine.invalidate('a', 'v2');
    expect(engine.holds('a')).toBe(true);
    engine.invalidate('a', 'v3');
    expect(engine.holds('a')).toBe(false);
  });

  test('a prefetch that brings another version than was observed last is stale', () => {
    for (const version of ['v1', 'v2']) {
      const engine = createEngine({ config: { capacity: 20, trafficMax: null } });
      let answers = 0;
      engine.prefetches$.subscribe(({ id, timeMs }) => {
        if (engine.landed(id, { version, timeMs: timeMs + 5 })) answers++;
      });
      for (let i = 0; i < 480; i++)
        engine.observe({ segment: `/page/${i % 40}`, version: 'v2', timeMs: 1000 * (i + 1) });
      const { prefetches } = engine.stats();
      expect(prefetches.issued).toBeGreaterThan(0);
      expect(prefetches.stale).toBe(version === 'v1' ? prefetches.issued : 0);
      expect(answers > 0).toBe(version === 'v2');
    }
  });
});
