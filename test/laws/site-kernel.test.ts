/** The kernel of a site against plain code: the same decisions, told in the same order, and the same state on every log. */

import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSite } from '../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { ExpertTrust } from '../../actors/cache-manager/expert-trust.ts';
import { Holdout } from '../../actors/cache-manager/holdout.ts';
import { KernelRows } from '../../actors/cache-manager/kernel-rows.ts';
import { MissBound } from '../../actors/cache-manager/miss-bound.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import { RequestCountOrigin } from '../../actors/origin/simulated-origin.ts';
import type { AccessCursor, Prefetcher, ProposalBuffer, SiteView } from '../../actors/prefetcher.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { type SavedFields, StateLoader, StateSaver } from '../../engine/state-fields.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

/** Proposes what comes soon, or anything, and takes note of all that it is told and can see. */
class WatchingPrefetcher implements Prefetcher {
  readonly name = 'watching';
  readonly experts = ['a', 'b', 'c'];
  readonly staging = 'separate';
  readonly log: string[] = [];
  readonly #view: SiteView;
  readonly #random: Xoshiro128;
  readonly #segments: readonly number[];
  readonly #wrong: number;

  constructor(view: SiteView, seed: number, segments: readonly number[], wrong: number) {
    this.#view = view;
    this.#random = new Xoshiro128(seed);
    this.#segments = segments;
    this.#wrong = wrong;
  }

  get horizonAccesses(): number {
    return 20 + this.#view.leadAccesses;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const random = this.#random;
    const { leadAccesses, trafficHeadroom } = this.#view;
    const isThere = this.#view.isResident(random.int(60));
    this.log.push([access.position, access.segment, served, leadAccesses, trafficHeadroom, isThere].join());
    for (let i = random.int(4); i > 0; i--) {
      const ahead = this.#segments[access.position + 1 + random.int(30)];
      const segment = ahead === undefined || random.int(100) < this.#wrong ? random.int(80) : ahead;
      // Some are not stated.
      proposals.propose(segment, -1, random.int(50) === 0 ? Number.NaN : random.next(), random.int(3));
    }
  }

  onEvict(segment: number, isUnused: boolean): boolean {
    this.log.push(`left ${segment} ${isUnused}`);
    return false;
  }

  onHeld(segment: number, isHeld: boolean): void {
    this.log.push(`held ${segment} ${isHeld}`);
  }

  onOutcome(segment: number, expert: number, outcome: number, probability: number): void {
    this.log.push(`ended ${segment} ${expert} ${outcome} ${probability}`);
  }
}

interface Setting {
  readonly capacity: number;
  readonly seed: number;
  readonly wrong: number;
  readonly latency: number;
  readonly hint: number;
  readonly excessMax: number;
  readonly ratioMax: number;
  readonly allowance: number;
  readonly holdout: number;
  readonly isTrusting: boolean;
  readonly warmup: number;
  readonly shareMax: number;
}

const setting: fc.Arbitrary<Setting> = fc.record({
  capacity: fc.integer({ min: 2, max: 40 }),
  seed: fc.nat(),
  wrong: fc.constantFrom(5, 40, 90),
  latency: fc.constantFrom(1, 3, 8),
  // Less than there are: then tables grow.
  hint: fc.constantFrom(1, 16, 80, 200),
  excessMax: fc.constantFrom(0.01, 0.5, Infinity),
  ratioMax: fc.constantFrom(1.1, 1.5, 4),
  allowance: fc.constantFrom(4, 100, 2000),
  holdout: fc.constantFrom(0, 0.05),
  isTrusting: fc.boolean(),
  warmup: fc.constantFrom(0, 0, 50),
  shareMax: fc.constantFrom(0.5, 0.9),
});

interface Played {
  readonly site: Site;
  readonly log: WatchingPrefetcher['log'];
  readonly settled: string[];
}

function siteOf(s: Setting, segments: readonly number[], kernelAfter: number): Played {
  let prefetcher: WatchingPrefetcher | undefined;
  const settled: string[] = [];
  const site = createSite({
    capacity: s.capacity,
    unit: 'segments',
    makeEviction: (capacity, onEvict, segmentCountHint = s.hint) =>
      createEviction('lru', { capacity, segmentCountHint, ...(onEvict === undefined ? {} : { onEvict }) }),
    makePrefetcher: (view) => {
      prefetcher = new WatchingPrefetcher(view, s.seed, segments, s.wrong);
      return prefetcher;
    },
    origin: new RequestCountOrigin(s.latency),
    modelTime: 'requests',
    budget: new TrafficBudget(s.ratioMax, s.allowance),
    missBound: new MissBound(s.excessMax, s.allowance),
    ...(s.holdout === 0 ? {} : { holdout: new Holdout(s.holdout, s.seed) }),
    ...(s.isTrusting
      ? { expertTrust: new ExpertTrust({ isEnabled: true, trustMin: 0.5, memory: 16, trialEvery: 4 }) }
      : {}),
    stagingShareMax: s.shareMax,
    segmentCountHint: s.hint,
    warmup: s.warmup,
    sliceLength: 100,
    kernelAfter,
    onSettled: (...told) => settled.push(told.join()),
  });
  return { site, log: prefetcher!.log, settled };
}

/** Runs and jumps over 60 segments, of which the later ones come later. */
function segmentsOf(seed: number, count: number): number[] {
  const random = new Xoshiro128(seed ^ 0x5eed);
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const known = Math.min(60, 8 + Math.floor(i / 8));
    at = random.int(6) === 0 ? random.int(known) : (at + 1) % known;
    return at;
  });
}

function batchOf(segments: readonly number[], position: number): AccessBatch {
  const none = new Int32Array(segments.length).fill(-1);
  return new AccessBatch(position, {
    timeMs: new Float64Array(segments.length).fill(Number.NaN),
    segment: Uint32Array.from(segments),
    consumer: none,
    site: none,
    op: new Uint8Array(segments.length),
    size: new Float64Array(segments.length).fill(-1),
    weight: new Float64Array(segments.length).fill(1),
  });
}

/** The first entries that differ, with where they stand; of long lists that is quicker than a comparison of all. */
function firstDifference(a: readonly string[], b: readonly string[]): unknown {
  const at = a.findIndex((entry, i) => entry !== b[i]);
  return at >= 0 || a.length !== b.length ? { at, a: a.slice(at - 3, at + 2), b: b.slice(at - 3, at + 2) } : null;
}

function isSame(a: SavedFields, b: SavedFields): boolean {
  const bytesOf = ({ numbers, arrays }: SavedFields) =>
    [numbers, ...arrays].map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  const [of, with_] = [bytesOf(a), bytesOf(b)];
  return of.length === with_.length && of.every((bytes, i) => bytes.equals(with_[i]!));
}

function savedOf(site: Site): SavedFields {
  const saver = new StateSaver();
  site.persist(saver);
  return structuredClone(saver.finish());
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a site with a kernel', () => {
  test('decides, tells, counts and saves what plain code does, whatever is asked in between, and goes on from what either saved', () => {
    const served = vi.spyOn(KernelRows.prototype, 'takeServed');
    const step = fc.record({
      kind: fc.constantFrom('none', 'none', 'stage', 'invalidate', 'callBack', 'restore', 'guess'),
      segment: fc.nat({ max: 70 }),
      rows: fc.integer({ min: 8, max: 700 }),
    });
    fc.assert(
      fc.property(
        setting,
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(0, 40),
        (s, steps, after) => {
          const total = steps.reduce((sum, { rows }) => sum + rows, 0);
          const segments = segmentsOf(s.seed, total);
          let [kernel, plain] = [siteOf(s, segments, after), siteOf(s, segments, Infinity)];
          let from = 0;
          for (const { kind, segment, rows } of steps) {
            const batch = batchOf(segments.slice(from, from + rows), from);
            from += rows;
            for (const { site } of [kernel, plain]) {
              site.serve(batch);
              if (kind === 'stage') site.stage(segment, -1, 0.9, 2);
              else if (kind === 'guess') site.stage(segment, 7, 0.9, 2);
              else if (kind === 'invalidate') site.invalidate(segment);
              else if (kind === 'callBack') site.callBack(segment);
            }
            expect(firstDifference(kernel.log, plain.log)).toBeNull();
            expect(firstDifference(kernel.settled, plain.settled)).toBeNull();
            expect(kernel.site.governor).toEqual(plain.site.governor);
            const saved = savedOf(plain.site);
            expect(isSame(savedOf(kernel.site), saved)).toBe(true);
            if (kind !== 'restore') continue;
            // Either goes on from the same state; what the prefetchers know is not in it.
            [kernel, plain] = [siteOf(s, segments, after), siteOf(s, segments, Infinity)];
            for (const { site } of [kernel, plain]) {
              const loader = new StateLoader(structuredClone(saved));
              site.persist(loader);
              loader.finish();
            }
          }
          for (const { site } of [kernel, plain]) site.finish();
          expect(kernel.site.ledger.digest.hex()).toBe(plain.site.ledger.digest.hex());
          expect(kernel.site.ledger.slices).toEqual(plain.site.ledger.slices);
          expect(kernel.site.ledger.waits.buckets()).toEqual(plain.site.ledger.waits.buckets());
        },
      ),
      { numRuns: 150 },
    );
    const bySite = served.mock.results.map(({ value }) => value as number);
    expect(bySite.reduce((sum, rows) => sum + rows, 0)).toBeGreaterThan(10_000);
  });

  test('most rows go through the kernel where the bounds are far', () => {
    const served = vi.spyOn(KernelRows.prototype, 'takeServed');
    const s = { capacity: 30, seed: 3, wrong: 20, latency: 3, hint: 80, excessMax: Infinity, ratioMax: 4 };
    const rest = { allowance: 2000, holdout: 0.01, isTrusting: true, warmup: 0, shareMax: 0.5 };
    const segments = segmentsOf(3, 4000);
    const { site } = siteOf({ ...s, ...rest }, segments, 500);
    site.serve(batchOf(segments, 0));
    const rows = served.mock.results.reduce((sum, { value }) => sum + (value as number), 0);
    expect(rows).toBeGreaterThan(0.9 * 3500);
    expect(rows).toBeLessThanOrEqual(3500);
    expect(site.rowCount).toBe(4000);
  });

  test('an access that throws in the prefetcher leaves the books as plain code does', () => {
    const segments = segmentsOf(5, 600);
    const s = { capacity: 20, seed: 5, wrong: 20, latency: 3, hint: 80, excessMax: Infinity, ratioMax: 4 };
    const rest = { allowance: 2000, holdout: 0, isTrusting: false, warmup: 0, shareMax: 0.5 };
    const states = [0, Infinity].map((kernelAfter) => {
      const { site } = siteOf({ ...s, ...rest }, segments, kernelAfter);
      const { prefetcher } = site;
      const { onAccess } = prefetcher!;
      prefetcher!.onAccess = function (this: Prefetcher, access, served, proposals) {
        if (access.position === 450) throw new Error('as asked');
        onAccess.call(this, access, served, proposals);
      };
      expect(() => site.serve(batchOf(segments, 0))).toThrow('as asked');
      return { saved: savedOf(site), rowCount: site.rowCount };
    });
    const [kernel, plain] = [states[0]!, states[1]!];
    expect(isSame(kernel.saved, plain.saved)).toBe(true);
    expect(kernel.rowCount).toBe(plain.rowCount);
  });
});
