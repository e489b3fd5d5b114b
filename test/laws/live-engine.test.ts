/** Laws of a live engine, whatever is observed and however requests are answered. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../actors/engine/create-engine.ts';
import type { Engine } from '../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../actors/engine/engine-config.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

/** What happens next. Answers name the open request by its place, so that any number is one. */
type Step =
  | {
      readonly kind: 'read';
      readonly segment: number;
      readonly consumer: number;
      readonly waitMs: number;
      readonly size: number;
    }
  | { readonly kind: 'walk'; readonly from: number; readonly length: number }
  | { readonly kind: 'land' | 'fail'; readonly which: number; readonly afterMs: number }
  | { readonly kind: 'invalidate'; readonly segment: number }
  | { readonly kind: 'pause'; readonly waitMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      segment: fc.nat(40),
      consumer: fc.integer({ min: -1, max: 3 }),
      waitMs: fc.nat(500),
      size: fc.integer({ min: 1, max: 300 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('walk' as const),
      from: fc.nat(40),
      length: fc.integer({ min: 2, max: 30 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('land' as const, 'fail' as const),
      which: fc.nat(20),
      afterMs: fc.nat(300),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalidate' as const), segment: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const), waitMs: fc.nat(60_000) }) },
);

const settings: fc.Arbitrary<EngineConfigInput> = fc.record({
  capacity: fc.integer({ min: 2, max: 30 }),
  eviction: fc.constantFrom('auto', 'lru', 'sieve', 's3-fifo', 'w-tinylfu'),
  trafficMax: fc.constantFrom(null, 1.5),
  queueLengthMax: fc.constantFrom(1, 8),
  farLoop: fc.constant({ intervalMs: 2000, accessesPerTickMin: 10 }),
  live: fc.record({ concurrencyMax: fc.integer({ min: 1, max: 6 }), answerWithinMs: fc.constantFrom(500, 30_000) }),
});

/** Drives an engine through steps; two players of the same steps give their engines the same input. */
class Player {
  engine: Engine;
  now = 1e9;
  readonly config: EngineConfigInput;
  /** Ids handed out, and which of them were called back. */
  readonly handedOut: number[] = [];
  readonly #open: number[] = [];

  constructor(config: EngineConfigInput) {
    this.config = config;
    this.engine = createEngine({ config });
    this.#listen();
  }

  #listen(): void {
    this.engine.prefetches$.subscribe(({ id, deadlineMs, timeMs }) => {
      expect(deadlineMs).toBeGreaterThan(timeMs);
      if (!this.#open.includes(id)) {
        this.handedOut.push(id);
        this.#open.push(id);
      }
    });
    this.engine.cancellations$.subscribe((id) => {
      expect(this.#open).toContain(id);
      this.#open.splice(this.#open.indexOf(id), 1);
    });
  }

  play(steps: readonly Step[]): void {
    for (const one of steps) this.#step(one);
  }

  /** Goes on in an engine restored from this one's snapshot. */
  restart(): void {
    this.engine = createEngine({ config: this.config, snapshot: this.engine.snapshot() });
    expect(this.engine.restored).toBe('exact');
    this.#listen();
  }

  #step(one: Step): void {
    switch (one.kind) {
      case 'read':
        this.now += one.waitMs;
        this.engine.observe({
          segment: `s${one.segment}`,
          timeMs: this.now,
          size: one.size,
          ...(one.consumer < 0 ? {} : { consumer: `c${one.consumer}` }),
        });
        return;
      case 'walk':
        for (let i = 0; i < one.length; i++) {
          this.now += 100;
          this.engine.observe({ segment: `s${(one.from + i) % 40}`, timeMs: this.now, consumer: 'walker' });
        }
        return;
      case 'land':
      case 'fail': {
        if (this.#open.length === 0) return;
        const [id] = this.#open.splice(one.which % this.#open.length, 1);
        this.now += one.afterMs;
        if (one.kind === 'fail') this.engine.failed(id!, { timeMs: this.now });
        else this.engine.landed(id!, { timeMs: this.now, sizeBytes: 50 + one.which });
        return;
      }
      case 'invalidate':
        this.engine.invalidate(`s${one.segment}`);
        return;
      case 'pause':
        this.now += one.waitMs;
    }
  }
}

const history = fc.array(step, { minLength: 20, maxLength: 120 });
const runs = { numRuns: 60 };

describe('law: whatever is observed and answered', () => {
  test('every prefetch that is sent ends in exactly one outcome, and what is handed out was sent', async () => {
    let issued = 0;
    await fc.assert(
      fc.asyncProperty(settings, history, async (config, steps) => {
        const player = new Player(config);
        player.play(steps);
        const { prefetches: p, live } = await player.engine.stop();
        expect(p.useful + p.late + p.wasted + p.cancelled + p.stale + p.pending).toBe(p.issued);
        expect(player.handedOut.length + live!.overtaken).toBeLessThanOrEqual(p.issued);
        expect(new Set(player.handedOut).size).toBe(player.handedOut.length);
        issued += p.issued;
      }),
      runs,
    );
    expect(issued).toBeGreaterThan(100);
  });

  test('open requests, cache and staging stay within their bounds at every moment', () => {
    fc.assert(
      fc.property(settings, history, (config, steps) => {
        const player = new Player(config);
        for (const one of steps) {
          player.play([one]);
          const { cache, live } = player.engine.stats();
          expect(live!.open).toBeLessThanOrEqual(config.live!.concurrencyMax!);
          expect(cache.used).toBeLessThanOrEqual(config.capacity!);
          expect(cache.staged).toBeLessThanOrEqual(config.capacity!);
        }
      }),
      runs,
    );
  });

  test('a restart from a snapshot at any moment changes no decision', async () => {
    await fc.assert(
      fc.asyncProperty(settings, history, fc.nat(), async (config, steps, cut) => {
        const at = cut % steps.length;
        const [whole, restarted] = [new Player(config), new Player(config)];
        whole.play(steps);
        restarted.play(steps.slice(0, at));
        restarted.restart();
        restarted.play(steps.slice(at));
        const [expected, found] = [await whole.engine.stop(), await restarted.engine.stop()];
        expect(found.digest).toBe(expected.digest);
        expect(found.prefetches).toEqual(expected.prefetches);
      }),
      { numRuns: 30 },
    );
  });

  test('decisions do not depend on batches: rows one by one or together, with answers at the same places', async () => {
    const rows = fc.array(
      fc.array(fc.record({ segment: fc.nat(30), waitMs: fc.nat(300) }), { minLength: 1, maxLength: 25 }),
      {
        minLength: 2,
        maxLength: 20,
      },
    );
    await fc.assert(
      fc.asyncProperty(settings, rows, async (config, batches) => {
        const digestOf = async (isTogether: boolean): Promise<string> => {
          // Nothing is answered, so that only the batches differ.
          const engine = createEngine({
            config: { ...config, live: { ...config.live, answerWithinMs: 1e9 } },
          });
          let now = 1e9;
          for (const batch of batches) {
            const times = batch.map(({ waitMs }) => (now += waitMs));
            const whole = new AccessBatch(engine.position, {
              timeMs: Float64Array.from(times),
              segment: Uint32Array.from(batch, (row) => row.segment),
              consumer: new Int32Array(batch.length).fill(-1),
              site: new Int32Array(batch.length).fill(-1),
              op: new Uint8Array(batch.length),
              size: new Float64Array(batch.length).fill(100),
              weight: new Float64Array(batch.length).fill(1),
            });
            if (isTogether) engine.observe(whole);
            else for (let i = 0; i < batch.length; i++) engine.observe(whole.slice(i, i + 1));
          }
          return (await engine.stop()).digest;
        };
        expect(await digestOf(true)).toBe(await digestOf(false));
      }),
      { numRuns: 40 },
    );
  });
});
