import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSite } from '../../actors/cache-manager/create-site.ts';
import { type EvictionName, evictionNames, type Future } from '../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import type { Origin } from '../../actors/cache-manager/origin.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { InstantOrigin, RequestCountOrigin } from '../../actors/origin/simulated-origin.ts';
import type { Prefetcher } from '../../actors/prefetcher.ts';
import { createBaseline, type Upcoming } from '../../sim/baselines/index.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { PeerMithril, PeerPg } from '../interop/agreement-prefetch-peer.ts';
import { replay } from '../interop/agreement-prefetch-replay.ts';
import { Feeder } from '../unit/baselines/propose.ts';

/** Traces with repeats: runs of a short cycle with noise, so that there is something to mine. */
const segments = fc
  .tuple(
    fc.array(fc.nat(11), { minLength: 1, maxLength: 12 }),
    fc.array(fc.record({ noise: fc.nat(19), takesNoise: fc.boolean() }), { minLength: 20, maxLength: 400 }),
  )
  .map(([cycle, steps]) => steps.map((s, i) => (s.takesNoise ? s.noise : (cycle[i % cycle.length] as number))));

const capacities = fc.integer({ min: 1, max: 12 });

/** The replay's knowledge of the future, kept true by serving one access at a time. */
class Oracle implements Upcoming, Future {
  readonly depth: number;
  readonly #segments: readonly number[];
  position = 0;

  constructor(all: readonly number[], depth: number) {
    this.#segments = all;
    this.depth = depth;
  }

  segmentAfter(k: number): number {
    return this.#segments[this.position + k] ?? -1;
  }

  sizeBytesAfter(): number {
    return -1;
  }

  nextOf(segment: number): number {
    const at = this.#segments.indexOf(segment, this.position + 1);
    return at < 0 ? Infinity : at;
  }
}

interface Run {
  readonly all: readonly number[];
  readonly capacity: number;
  readonly eviction: EvictionName;
  readonly spec: string | null;
  readonly origin: Origin;
}

/** Serves the accesses one by one through a site, as the replay does. */
function serve({ all, capacity, eviction, spec, origin }: Run): Site {
  const oracle = new Oracle(all, all.length);
  const cache = { capacity, unit: 'segments' } as const;
  const addresses = { unitBytes: 1, addressOf: (s: number) => s, segmentAt: (a: number) => a };
  const site = createSite({
    capacity,
    unit: 'segments',
    makeEviction: (units, onEvict) =>
      createEviction(eviction, { capacity: units, future: oracle, ...(onEvict === undefined ? {} : { onEvict }) }),
    makePrefetcher:
      spec === null
        ? null
        : (view) => createBaseline(spec, { addresses, clairvoyance: { upcoming: oracle, cache, view } }),
    origin,
    modelTime: 'requests',
  });
  for (const [position, segment] of all.entries()) {
    oracle.position = position;
    site.serve(
      new AccessBatch(position, {
        timeMs: Float64Array.of(Number.NaN),
        segment: Uint32Array.of(segment),
        consumer: Int32Array.of(-1),
        site: Int32Array.of(-1),
        op: Uint8Array.of(0),
        size: Float64Array.of(-1),
        weight: Float64Array.of(1),
      }),
    );
    expect(site.used).toBeLessThanOrEqual(capacity);
  }
  site.finish();
  return site;
}

const specs = [
  'obl:sequential-confidence-k=1',
  'pg:lookahead-range=2,prefetch-threshold=0.1',
  'mithril:mining-threshold=8,rec-trigger=each-req,pf-list-size=4',
  'mithril:mining-threshold=8,rec-trigger=miss-evict',
  'clairvoyant',
  'clairvoyant:lookahead-range=1000000',
];

describe('laws of the baselines', () => {
  test.each(evictionNames)('on %s every issued prefetch of every baseline ends in exactly one outcome', (eviction) => {
    fc.assert(
      fc.property(segments, capacities, fc.constantFrom(...specs), fc.nat(5), (all, capacity, spec, delay) => {
        const origin = delay === 0 ? new InstantOrigin() : new RequestCountOrigin(delay);
        const { ledger } = serve({ all, capacity, eviction, spec, origin });
        expect(ledger.accesses).toBe(all.length);
        expect(ledger.outcomes.reduce((sum, count) => sum + count, 0)).toBe(ledger.issued);
      }),
      { numRuns: 40 },
    );
  });

  test('mithril decides as plain maps without bounds do', () => {
    fc.assert(
      fc.property(
        segments,
        capacities,
        fc.record({
          lookahead: fc.integer({ min: 1, max: 20 }),
          supportMin: fc.integer({ min: 2, max: 4 }),
          more: fc.nat(4),
          confidence: fc.nat(2),
          listSize: fc.integer({ min: 1, max: 4 }),
          rows: fc.integer({ min: 2, max: 8 }),
          recordsHits: fc.boolean(),
        }),
        (all, capacity, p) => {
          const supportMax = p.supportMin + p.more;
          const miningThreshold = p.rows * p.supportMin;
          const spec = `mithril:lookahead-range=${p.lookahead},min-support=${p.supportMin},max-support=${supportMax},confidence=${p.confidence},pf-list-size=${p.listSize},mining-threshold=${miningThreshold},rec-trigger=${p.recordsHits ? 'each-req' : 'miss'}`;
          const trace = { segment: Uint32Array.from(all), sizeBytes: null, segmentCount: 20 };
          const model = new PeerMithril(
            { ...p, supportMax, miningThreshold },
            { recordingRows: Infinity, tableShardsMax: Infinity, hasBrokenTimes: false },
          );
          expect(replay(trace, capacity, createBaseline(spec, { addresses: null }))).toEqual(
            replay(trace, capacity, model),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('pg with room for every arc proposes what an unbounded graph does, at every access', () => {
    fc.assert(
      fc.property(
        segments,
        fc.integer({ min: 1, max: 6 }),
        fc.double({ min: 0.01, max: 0.6, noNaN: true }),
        (all, lookahead, threshold) => {
          const spec = `pg:lookahead-range=${lookahead},prefetch-threshold=${threshold},max-degree=4096`;
          const graph = createBaseline(spec, { addresses: null });
          const model = new PeerPg(lookahead, threshold, { metadataBytesMax: Infinity, hasLossyQueue: false });
          expect(proposalsOf(graph, all)).toEqual(proposalsOf(model, all));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('clairvoyant on belady without latency misses the first access only and fetches no more than belady alone', () => {
    fc.assert(
      fc.property(segments, capacities, (all, capacity) => {
        const { ledger } = serve({
          all,
          capacity,
          eviction: 'belady',
          spec: 'clairvoyant',
          origin: new InstantOrigin(),
        });
        const alone = serve({ all, capacity, eviction: 'belady', spec: null, origin: new InstantOrigin() });
        expect(ledger.misses).toBe(1);
        expect(ledger.misses + ledger.issued).toBe(alone.ledger.misses);
      }),
      { numRuns: 200 },
    );
  });

  test('clairvoyant as early as is safe fetches as often as LRU and misses the first access only', () => {
    fc.assert(
      fc.property(segments, capacities, (all, capacity) => {
        const run = { all, capacity, origin: new InstantOrigin() };
        const spec = 'clairvoyant:lookahead-range=1000000';
        const { ledger } = serve({ ...run, eviction: 'belady', spec });
        const lru = serve({ ...run, eviction: 'lru', spec: null });
        expect(ledger.misses).toBe(1);
        expect(ledger.misses + ledger.issued).toBe(lru.ledger.misses);
      }),
      { numRuns: 200 },
    );
  });

  test('clairvoyant on belady with latency waits no more than belady alone', () => {
    fc.assert(
      fc.property(segments, capacities, fc.integer({ min: 1, max: 8 }), (all, capacity, delay) => {
        const run = { all, capacity, eviction: 'belady' } as const;
        const alone = serve({ ...run, spec: null, origin: new RequestCountOrigin(delay) });
        const staged = serve({ ...run, spec: 'clairvoyant', origin: new RequestCountOrigin(delay) });
        expect(staged.ledger.waits.sum).toBeLessThanOrEqual(alone.ledger.waits.sum);
      }),
      { numRuns: 200 },
    );
  });
});

/** The set of proposals at each access, in the order of ids. */
function proposalsOf(prefetcher: Prefetcher, all: readonly number[]): number[][] {
  const feeder = new Feeder(prefetcher);
  return all.map((segment) =>
    feeder
      .access(segment)
      .map((proposal) => proposal.segment)
      .filter((target) => target !== segment)
      .sort((a, b) => a - b),
  );
}
