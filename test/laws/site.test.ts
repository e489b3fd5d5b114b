import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EvictionName } from '../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { Site, type SiteOptions } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import type { AccessCursor, Prefetcher, ProposalBuffer } from '../../actors/prefetcher.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { parseLatencySpec } from '../../sim/origin/latency-spec.ts';
import { createOrigin } from '../../sim/origin/simulated-origin.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

const online: EvictionName[] = ['lru', 'fifo', 'clock', 'sieve', 's3-fifo', 'arc', 'lirs', 'w-tinylfu', 'gdsf'];

/** A prefetcher that proposes at random: whatever it does, the books must balance. */
class RandomPrefetcher implements Prefetcher {
  readonly name = 'random';
  readonly experts = ['a', 'b'];
  readonly staging: 'shared' | 'separate';
  readonly outcomes: number[] = [];
  readonly #random: Xoshiro128;
  readonly #segments: number;
  readonly #perAccess: number;
  constructor(staging: 'shared' | 'separate', seed: number, segments: number, perAccess: number) {
    this.staging = staging;
    this.#random = new Xoshiro128(seed);
    this.#segments = segments;
    this.#perAccess = perAccess;
  }
  onAccess(_access: AccessCursor, _served: number, proposals: ProposalBuffer): void {
    const count = this.#random.int(this.#perAccess + 1);
    for (let i = 0; i < count; i++) {
      const size = this.#random.int(4) === 0 ? 1 + this.#random.int(30) : -1;
      proposals.propose(this.#random.int(this.#segments), size, this.#random.next(), this.#random.int(2));
    }
  }
  onEvict(_segment: number, isUnused: boolean): boolean {
    return isUnused && this.#random.int(8) === 0;
  }
  onOutcome(_segment: number, _expert: number, outcome: number): void {
    this.outcomes.push(outcome);
  }
}

function batchOf(
  rows: readonly { segment: number; gapMs: number; size: number; op: number }[],
  position = 0,
): AccessBatch {
  let time = 1000;
  const times = rows.map((row) => (time += row.gapMs));
  return new AccessBatch(position, {
    timeMs: Float64Array.from(times),
    segment: Uint32Array.from(rows, (row) => row.segment),
    consumer: new Int32Array(rows.length).fill(-1),
    site: new Int32Array(rows.length).fill(-1),
    op: Uint8Array.from(rows, (row) => row.op),
    size: Float64Array.from(rows, (row) => row.size),
    weight: new Float64Array(rows.length).fill(1),
  });
}

const rowsOf = (segments: number) =>
  fc.array(
    fc.record({
      segment: fc.nat({ max: segments - 1 }),
      gapMs: fc.nat({ max: 30 }),
      size: fc.integer({ min: 1, max: 20 }),
      op: fc.constantFrom(0, 0, 0, 1),
    }),
    { minLength: 1, maxLength: 300 },
  );

const setting = fc.record({
  evict: fc.constantFrom(...online),
  staging: fc.constantFrom('shared' as const, 'separate' as const),
  unit: fc.constantFrom('segments' as const, 'bytes' as const),
  latency: fc.constantFrom('0', '3req', '20ms', '40ms@1kB/sx2', 'lognormal:30ms:0.7x1'),
  writes: fc.constantFrom('access' as const, 'invalidate' as const, 'ignore' as const),
  capacity: fc.integer({ min: 2, max: 40 }),
  perAccess: fc.nat({ max: 4 }),
  seed: fc.nat(),
  warmup: fc.constantFrom(0, 0, 25),
});

function makeSite(
  s: {
    evict: EvictionName;
    unit: 'segments' | 'bytes';
    latency: string;
    writes: 'access' | 'invalidate' | 'ignore';
    capacity: number;
    warmup: number;
  },
  prefetcher: Prefetcher | null,
  extra: Partial<SiteOptions> = {},
): Site {
  const spec = parseLatencySpec(s.latency);
  return new Site({
    capacity: s.capacity,
    unit: s.unit,
    makeEviction: (capacity, onEvict) =>
      createEviction(s.evict, onEvict === undefined ? { capacity } : { capacity, onEvict }),
    ...(s.evict === 'lru' ? {} : { makeReference: (capacity: number) => createEviction('lru', { capacity }) }),
    makePrefetcher: prefetcher === null ? null : () => prefetcher,
    origin: createOrigin(spec, 7),
    modelTime: spec.kind === 'time' ? 'ms' : 'requests',
    writes: s.writes,
    warmup: s.warmup,
    ...extra,
  });
}

describe('site', () => {
  test('every issued prefetch has exactly one outcome, on every eviction, staging, unit and latency', () => {
    fc.assert(
      fc.property(setting, rowsOf(60), (s, rows) => {
        const prefetcher = new RandomPrefetcher(s.staging, s.seed, 70, s.perAccess);
        const site = makeSite(s, prefetcher);
        site.serve(batchOf(rows));
        site.finish();
        const settled = site.ledger.outcomes.reduce((sum, n) => sum + n, 0);
        expect(settled).toBe(site.ledger.issued);
        if (s.warmup === 0) expect(prefetcher.outcomes.length).toBe(site.ledger.issued);
      }),
      { numRuns: 500 },
    );
  });

  test('what is resident never exceeds the capacity, after any access', () => {
    fc.assert(
      fc.property(setting, rowsOf(60), (s, rows) => {
        const site = makeSite(s, new RandomPrefetcher(s.staging, s.seed, 70, s.perAccess));
        const batch = batchOf(rows);
        for (let i = 0; i < batch.length; i++) {
          site.serve(batch.slice(i, i + 1));
          expect(site.used).toBeLessThanOrEqual(s.capacity);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('decisions do not depend on how the log is cut into batches', () => {
    fc.assert(
      fc.property(setting, rowsOf(60), fc.array(fc.nat({ max: 300 })), (s, rows, cuts) => {
        const whole = makeSite(s, new RandomPrefetcher(s.staging, s.seed, 70, s.perAccess));
        whole.serve(batchOf(rows));
        whole.finish();
        const parts = makeSite(s, new RandomPrefetcher(s.staging, s.seed, 70, s.perAccess));
        const batch = batchOf(rows);
        const at = [0, ...cuts.filter((cut) => cut < rows.length), rows.length].sort((a, b) => a - b);
        for (let i = 1; i < at.length; i++) parts.serve(batch.slice(at[i - 1]!, at[i]!));
        parts.finish();
        expect(parts.ledger.digest.hex()).toBe(whole.ledger.digest.hex());
        expect(parts.ledger.misses).toBe(whole.ledger.misses);
      }),
      { numRuns: 200 },
    );
  });

  test('with a prefetcher that proposes nothing it misses exactly what the baseline misses', () => {
    fc.assert(
      fc.property(setting, rowsOf(60), (s, rows) => {
        const silent = makeSite(s, new RandomPrefetcher(s.staging, s.seed, 70, 0));
        silent.serve(batchOf(rows));
        const alone = makeSite(s, null);
        alone.serve(batchOf(rows));
        expect(silent.ledger.misses).toBe(alone.ledger.misses);
        expect(silent.ledger.baselineMisses).toBe(alone.ledger.misses);
        expect(silent.ledger.pollutionMisses).toBe(0);
        expect(silent.ledger.waits.sum).toBeCloseTo(alone.ledger.waits.sum, 6);
      }),
      { numRuns: 200 },
    );
  });

  test('on LRU the traffic bound holds after every access, whatever is proposed', () => {
    fc.assert(
      fc.property(
        rowsOf(40),
        fc.integer({ min: 2, max: 20 }),
        fc.nat({ max: 4 }),
        fc.nat(),
        fc.constantFrom(1, 1.1, 1.6),
        fc.nat({ max: 8 }),
        (rows, capacity, perAccess, seed, ratioMax, allowance) => {
          const budget = new TrafficBudget(ratioMax, allowance);
          const s = {
            evict: 'lru' as const,
            unit: 'segments' as const,
            latency: '0',
            writes: 'access' as const,
            capacity,
            warmup: 0,
          };
          const site = makeSite(s, new RandomPrefetcher('separate', seed, 50, perAccess), { budget });
          const reference = createEviction('lru', { capacity });
          let referenceMisses = 0;
          const batch = batchOf(rows);
          for (let i = 0; i < batch.length; i++) {
            site.serve(batch.slice(i, i + 1));
            if (!reference.access(batch.segment[i]!, 1)) referenceMisses++;
            const fetches = site.ledger.demandFetches + site.ledger.issued;
            expect(fetches).toBeLessThanOrEqual(ratioMax * referenceMisses + allowance);
          }
          expect(site.trafficBreaches).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
