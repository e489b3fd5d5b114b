/** Laws of a restart, whatever the settings: a restored engine is the one that was saved, also where the journal has forgotten. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../actors/engine/create-engine.ts';
import type { Engine } from '../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../actors/engine/engine-config.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

const drawn: fc.Arbitrary<EngineConfigInput> = fc.record({
  mode: fc.constantFrom('live' as const, 'modelled' as const),
  capacity: fc.integer({ min: 2, max: 60 }),
  unit: fc.constantFrom('segments' as const, 'bytes' as const),
  eviction: fc.constantFrom(
    ...(['auto', 'lru', 'fifo', 'clock', 'sieve', 's3-fifo', 'arc', 'lirs', 'gdsf', 'w-tinylfu', 'hazard'] as const),
  ),
  writes: fc.constantFrom('access' as const, 'invalidate' as const, 'ignore' as const),
  trafficMax: fc.constantFrom(null, 1.2),
  trafficAllowance: fc.constantFrom(8, 64),
  latency: fc.constantFrom('40ms@1MB/sx4', '3req', '0'),
  warmup: fc.constantFrom(0, 100),
  queueLengthMax: fc.constantFrom(1, 8),
  journalAccessesMax: fc.constantFrom(0, 50, 10_000),
  decisionsKeptMax: fc.constant(16),
  holdout: fc.record({ share: fc.constantFrom(0, 0.3) }),
  ghost: fc.constantFrom({}, {}, { kind: 'sampled' as const, rate: 0.5 }),
  expertTrust: fc.constantFrom({}, { isEnabled: true }),
  missBound: fc.constantFrom({}, { excessMax: 0.05 }),
  caps: fc.constantFrom({}, { requestsPerSecondMax: 20, concurrencyMax: 3 }, { requestsMax: 40 }),
  policy: fc.constantFrom({}, { deny: ['*7'] }),
  hints: fc.constantFrom(
    {},
    { lists: [{ segments: ['s1', 's2', 's3'] }, { segments: ['s9', 's8'], isOrdered: false }] },
  ),
  farLoop: fc
    .record({ isEnabled: fc.constantFrom(true, true, true, false), isInterval: fc.boolean(), isSmall: fc.boolean() })
    .map(({ isEnabled, isInterval, isSmall }) => ({
      isEnabled,
      intervalMs: 2000,
      intervalAccesses: 64,
      accessesPerTickMin: 10,
      probabilityMin: 0.1,
      trialEvery: 4,
      intervalPredictor: { isEnabled: isInterval },
      ...(isSmall ? { aggregator: { segmentsMax: 20 }, graphBuilder: { sourcesMax: 20, contextsMax: 2 } } : {}),
    })),
  live: fc.record({ concurrencyMax: fc.integer({ min: 1, max: 6 }), answerWithinMs: fc.constantFrom(500, 30_000) }),
});

/** A rate needs fetches that take time. */
const settings = drawn.map((config) =>
  config.mode === 'live' || config.latency!.includes('ms') ? config : { ...config, caps: {} },
);

/** A piece of a log, drawn from a few numbers: loops, chance, writes, gaps of hours, sizes that change or are not said. */
const piece = fc.record({
  length: fc.integer({ min: 1, max: 120 }),
  from: fc.nat(60),
  every: fc.integer({ min: 1, max: 7 }),
  span: fc.integer({ min: 1, max: 50 }),
  stepMs: fc.constantFrom(0, 10, 300, 40_000, 4_000_000),
  answers: fc.nat(4),
  hints: fc.boolean(),
});
type Piece = typeof piece extends fc.Arbitrary<infer T> ? T : never;

/** Plays pieces; two of the same pieces give their engines the same input. */
class Player {
  engine: Engine;
  readonly #config: EngineConfigInput;
  #now = 1e12;
  #count = 0;
  #open: number[] = [];

  constructor(config: EngineConfigInput) {
    this.#config = config;
    this.engine = createEngine({ config });
    this.#listen();
  }

  play(pieces: readonly Piece[]): void {
    for (const one of pieces) this.#play(one);
  }

  restart(): void {
    const saved = this.engine.snapshot();
    this.engine = createEngine({ config: this.#config, snapshot: saved });
    expect(this.engine.restored).toBe('exact');
    expect(Buffer.compare(this.engine.snapshot(), saved)).toBe(0);
    this.#listen();
  }

  #listen(): void {
    this.engine.prefetches$.subscribe(({ id }) => {
      if (!this.#open.includes(id)) this.#open.push(id);
    });
    this.engine.cancellations$.subscribe((id) => {
      this.#open = this.#open.filter((open) => open !== id);
    });
  }

  #play({ length, from, every, span, stepMs, answers, hints }: Piece): void {
    const { engine } = this;
    const name = (i: number): string => `s${(from + ((i * every) % span)) % 60}`;
    const columns = {
      timeMs: new Float64Array(length),
      segment: new Uint32Array(length),
      consumer: new Int32Array(length),
      site: new Int32Array(length).fill(-1),
      op: new Uint8Array(length),
      size: new Float64Array(length),
      weight: new Float64Array(length).fill(1),
    };
    for (let i = 0; i < length; i++) {
      this.#now += i % 5 === 0 ? stepMs : 5;
      this.#count++;
      columns.timeMs[i] = this.#now;
      columns.segment[i] = engine.segments.internString(name(i));
      columns.consumer[i] = i % 4 === 3 ? -1 : engine.consumers.internString(`c${i % 4}`);
      columns.op[i] = this.#count % 41 === 0 ? 1 : 0;
      columns.size[i] = i % 6 === 0 ? -1 : 1 + ((from + i) % 9);
    }
    engine.observe(new AccessBatch(engine.position, columns));
    if (hints) engine.addHints([{ segments: [name(0), name(1), name(2)], atMs: this.#now + 1000, leadMs: 500 }]);
    for (const [i, id] of this.#open.splice(0, answers).entries()) {
      this.#now += 20;
      if (i % 3 === 2) engine.failed(id, { timeMs: this.#now });
      else engine.landed(id, { timeMs: this.#now, sizeBytes: 1 + (id % 7) });
    }
    if (length % 9 === 0) engine.invalidate(name(3));
    if (length % 7 === 0) engine.fetched(name(2), { sizeBytes: 5, durationMs: 12 });
  }
}

describe('law: whatever the settings', () => {
  test('a restart at any moment changes nothing: decisions, metrics, models; and saving again gives the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        fc.array(piece, { minLength: 2, maxLength: 14 }),
        fc.nat(),
        async (config, pieces, cut) => {
          const at = cut % pieces.length;
          const [whole, restarted] = [new Player(config), new Player(config)];
          whole.play(pieces);
          restarted.play(pieces.slice(0, at));
          restarted.restart();
          restarted.play(pieces.slice(at));
          for (const question of [{}, { consumer: 'c1' }, { segment: 's3' }])
            expect(restarted.engine.forecast(question)).toEqual(whole.engine.forecast(question));
          expect(restarted.engine.hotSegments(40)).toEqual(whole.engine.hotSegments(40));
          expect(restarted.engine.successors('s2')).toEqual(whole.engine.successors('s2'));
          expect(restarted.engine.decisions()).toEqual(whole.engine.decisions());
          expect(await restarted.engine.stop()).toEqual(await whole.engine.stop());
        },
      ),
      { numRuns: 25 },
    );
  });
});
