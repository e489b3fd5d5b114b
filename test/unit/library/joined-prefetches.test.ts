/** Prefetches that a demand joined: whom they count for, and when. */

import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { Engine } from '../../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

const PAGES = 40;

function live(config: EngineConfigInput = {}): Engine {
  // Whoever is not answered is waited for, so that nothing is judged but what the test answers.
  return createEngine({ config: { capacity: 20, trafficMax: null, ...config, live: { answerWithinMs: 1e12 } } });
}

/** Page after page by `consumer`, one access a call. */
function walk(engine: Engine, consumer: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = engine.position;
    engine.observe({ segment: `/page/${at % PAGES}`, consumer, timeMs: 1000 * at, size: 100 });
  }
}

describe('a prefetch that a demand joined', () => {
  test('one that a demand of its own batch overtook, so that it was never sent, earned trust for who asked', () => {
    const engine = live();
    walk(engine, 'ann', 3 * PAGES);
    const segments = Array.from({ length: PAGES }, (_, page) => engine.segments.internString(`/page/${page}`));
    const ann = engine.consumers.internString('ann');
    for (let round = 0; round < 20; round++) {
      const { position } = engine;
      engine.observe(
        new AccessBatch(position, {
          timeMs: Float64Array.from(segments, (_, i) => 1000 * (position + i)),
          segment: Uint32Array.from(segments),
          consumer: new Int32Array(PAGES).fill(ann),
          site: new Int32Array(PAGES).fill(-1),
          op: new Uint8Array(PAGES),
          size: new Float64Array(PAGES).fill(100),
          weight: new Float64Array(PAGES).fill(1),
        }),
      );
    }
    const { live: answers, governor } = engine.stats();
    expect(answers!.overtaken).toBeGreaterThan(100);
    // Nobody fetched anything: as with single accesses that nobody answers, nobody is judged.
    expect(new Set(governor.state!.experts.map(({ trust }) => trust))).toEqual(new Set([1]));
    expect(governor.state!.consumers!.known).toBe(0);
  });

  test('a late answer was credited to whoever the segment was proposed for last, and not to who had asked', () => {
    const engine = live({ caps: { requestsMax: 1e9 } });
    const requests: { readonly id: number; readonly name: string; readonly consumer: string | null }[] = [];
    engine.prefetches$.subscribe((request) => requests.push(request));
    walk(engine, 'ann', 12 * PAGES);
    const known = (): number => engine.stats().governor.state!.consumers!.known;
    const joined = requests.filter(({ id, consumer }) => !engine.isWanted(id) && consumer === 'ann').slice(-2);
    expect(joined).toHaveLength(2);
    engine.landed(joined[0]!.id);
    expect(known()).toBe(1);
    // From now on what is proposed is not sent.
    engine.setCaps({ ...engine.config.caps, requestsMax: 0 });
    const refused = engine.stats().refusals.requestTotal;
    walk(engine, 'bob', 2 * PAGES);
    expect(engine.stats().refusals.requestTotal).toBeGreaterThan(refused);
    engine.landed(joined[1]!.id);
    expect(engine.stats().live!.ignoredAnswers).toBe(0);
    expect(known()).toBe(1);
  });
});
