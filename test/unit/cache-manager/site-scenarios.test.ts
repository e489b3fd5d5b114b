import { describe, expect, test } from 'vitest';
import type { EvictionName } from '../../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { expertTrustOf, expertTrustSchema } from '../../../actors/cache-manager/expert-trust.ts';
import { MissBound } from '../../../actors/cache-manager/miss-bound.ts';
import { admissionOf } from '../../../actors/cache-manager/prefetch-admission.ts';
import { prefetchCapsSchema } from '../../../actors/cache-manager/prefetch-caps.ts';
import { prefetchPolicySchema } from '../../../actors/cache-manager/prefetch-policy.ts';
import type { SiteOptions } from '../../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../../actors/cache-manager/traffic-budget.ts';
import { Served } from '../../../actors/prefetcher.ts';
import { defaultPrices } from '../../../actors/prices.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { batchOf, outcomesOf, play } from './scripted-site.ts';

const { miss, hit, stagedHit, late } = Served;

describe('site', () => {
  test('the first demand of a staged segment is a useful hit; after that it is a resident like any other', () => {
    const { site, prefetcher } = play({ rows: [1, 2, 2, 1], script: { 0: [2] } });
    expect(prefetcher.served).toEqual([miss, stagedHit, hit, hit]);
    expect(prefetcher.outcomes).toEqual(['2:useful']);
    expect(outcomesOf(site)).toEqual({ useful: 1 });
    expect(site.ledger).toMatchObject({ accesses: 4, misses: 1, issued: 1, demandFetches: 1 });
  });

  test('a demand that joins a prefetch in flight waits for the rest and sends no second fetch', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 2, timeMs: 1030 },
    ];
    const { site, prefetcher } = play({ rows, script: { 0: [2] }, latency: '50ms' });
    expect(prefetcher.served).toEqual([miss, late]);
    expect(outcomesOf(site)).toEqual({ late: 1 });
    expect(site.ledger).toMatchObject({ misses: 2, late: 1, demandFetches: 1, issued: 1 });
    // The prefetch left at 1000 and lands at 1050: 20 ms are left. The first demand waited 50 ms.
    expect(site.ledger.lateness.buckets()).toEqual([{ wait: 20, count: 1 }]);
    expect(site.ledger.waits.sum).toBe(70);
  });

  test('a prefetch that lands at the very instant of its demand is useful', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 2, timeMs: 1050 },
    ];
    expect(play({ rows, script: { 0: [2] }, latency: '50ms' }).prefetcher.outcomes).toEqual(['2:useful']);
  });

  test('with 4req a prefetch lands after four further accesses, hence for the fifth', () => {
    const at = (k: number) => {
      const rows = [1, ...new Array<number>(k - 1).fill(1), 2];
      return play({ rows, script: { 0: [2] }, latency: '4req' }).prefetcher.outcomes;
    };
    expect(at(3)).toEqual(['2:late']);
    expect(at(4)).toEqual(['2:late']);
    expect(at(5)).toEqual(['2:useful']);
  });

  test('who asks for a segment that a demand is fetching hits, and waits for the rest', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 1, timeMs: 1010 },
      { segment: 1, timeMs: 2000 },
    ];
    const alone = play({ rows, script: {}, latency: '50ms', makePrefetcher: null }).site;
    const beside = play({ rows, script: {}, latency: '50ms' }).site;
    for (const site of [alone, beside]) {
      expect(site.ledger.misses).toBe(1);
      expect(site.ledger.waits.buckets()).toEqual([
        { wait: 0, count: 1 },
        { wait: 40, count: 1 },
        { wait: 50, count: 1 },
      ]);
    }
  });

  test('a prefetch is cancelled when a demand needs its slot, and its demand is then a miss', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 3, timeMs: 1060 },
      { segment: 4, timeMs: 1070 },
      { segment: 2, timeMs: 2000 },
    ];
    // Two slots: the demand for 1 and the prefetch of 2 hold them until 1100, so the demand for 3 takes the prefetch's.
    const { site, prefetcher } = play({ rows, script: { 0: [2] }, latency: '100msx2' });
    expect(outcomesOf(site)).toEqual({ cancelled: 1 });
    expect(prefetcher.outcomes).toEqual(['2:cancelled']);
    expect(prefetcher.served).toEqual([miss, miss, miss, miss]);
    expect(site.ledger).toMatchObject({ issued: 1, demandFetches: 4 });
  });

  test('what waits for a slot and is demanded first is withdrawn, not issued', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 2, timeMs: 1010 },
    ];
    const { site, prefetcher } = play({ rows, script: { 0: [2] }, latency: '50msx1' });
    expect(site.ledger).toMatchObject({ issued: 0, withdrawn: 1, misses: 2, demandFetches: 2 });
    expect(prefetcher.outcomes).toEqual([]);
  });

  test('a full queue withdraws the least probable, and the most probable is sent first', () => {
    const settled: string[] = [];
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 1, timeMs: 1060 },
    ];
    const { site } = play({
      rows,
      script: { 0: [[2, 0.2], [3, 0.9], [4, 0.5]] }, // biome-ignore format: one list
      capacity: 6,
      latency: '50msx1',
      queueLengthMax: 2,
      onSettled: (segment, _expert, outcome) => settled.push(`${segment}:${outcome}`),
    });
    expect(settled).toEqual(['2:255', '3:5', '4:255']);
    expect(site.ledger.withdrawn).toBe(2);
  });

  test('an invalidated segment is stale while staged and while in flight, and withdrawn while queued', () => {
    const write = { segment: 2, isWrite: true };
    const staged = play({ rows: [1, write, 2], script: { 0: [2] }, writes: 'invalidate' });
    expect(outcomesOf(staged.site)).toEqual({ stale: 1 });
    expect(staged.prefetcher.served).toEqual([miss, miss]);
    expect(staged.site.ledger.invalidations).toBe(1);
    const flying = play({
      rows: [{ segment: 1, timeMs: 1000 }, { ...write, timeMs: 1010 }, { segment: 2, timeMs: 5000 }], // biome-ignore format: one list
      script: { 0: [2] },
      writes: 'invalidate',
      latency: '50ms',
    });
    expect(outcomesOf(flying.site)).toEqual({ stale: 1 });
    expect(flying.prefetcher.served).toEqual([miss, miss]);
    const queued = play({
      rows: [{ segment: 1, timeMs: 1000 }, { ...write, timeMs: 1010 }], // biome-ignore format: one list
      script: { 0: [2] },
      writes: 'invalidate',
      latency: '50msx1',
    });
    expect(queued.site.ledger).toMatchObject({ issued: 0, withdrawn: 1 });
  });

  test('writes are accesses, or end every copy, or are passed over', () => {
    const rows = [1, { segment: 1, isWrite: true }, 1];
    const of = (writes: 'access' | 'invalidate' | 'ignore') => play({ rows, script: {}, writes }).site.ledger;
    expect(of('access')).toMatchObject({ accesses: 3, misses: 1 });
    expect(of('invalidate')).toMatchObject({ accesses: 2, misses: 2, invalidations: 1 });
    expect(of('ignore')).toMatchObject({ accesses: 2, misses: 1, writesIgnored: 1 });
  });

  test('what leaves the prefetch cache unused is wasted, the oldest first', () => {
    // Capacity 4, at most half of it staged: a third staged segment pushes out the first.
    const { site, prefetcher } = play({ rows: [1, 1], script: { 0: [5, 6], 1: [7] } });
    expect(prefetcher.outcomes).toEqual(['5:wasted', '6:pending', '7:pending']);
    expect(outcomesOf(site)).toEqual({ wasted: 1, pending: 2 });
  });

  test('the last of what one access asks for does not push out its best', () => {
    const { site } = play({ rows: [1, 5, 6], script: { 0: [[5, 0.9], [6, 0.8], [7, 0.7]] } }); // biome-ignore format: one list
    expect(outcomesOf(site)).toEqual({ useful: 2 });
    expect(site.ledger.refusalCounts()).toMatchObject({ crowded: 1 });
  });

  test('what comes later does not push out what comes next and is as likely, until that has had its chance', () => {
    const next = { 0: [[5, 0.9], [6, 0.9]], 1: [[7, 0.9]], 2: [[8, 1]], 6: [[9, 0.5]] } as const; // biome-ignore format: one list
    const { site, prefetcher } = play({ rows: [1, 1, 1, 1, 1, 1, 1, 1], script: next as never });
    // At 1 both have just landed; 8 is likelier; at 6 the other has been there for more than four accesses.
    expect(prefetcher.outcomes).toEqual(['5:wasted', '6:wasted', '8:pending', '9:pending']);
    expect(site.ledger.refusalCounts()).toMatchObject({ crowded: 1 });
  });

  test('where prefetching stops, what it left staged does not keep its space', () => {
    const rows = Array.from({ length: 160 }, (_, i) => (i < 2 ? i : 2 + (i % 4)));
    const { site } = play({ rows, script: { 0: [100, 101] } });
    // Four segments in turn fit into a cache of four, once the two that nobody asks for have left.
    expect(outcomesOf(site)).toEqual({ wasted: 2 });
    expect(site.ledger.misses).toBeLessThan(90);
  });

  test('stagingShareMax bounds what is staged', () => {
    const staged = (stagingShareMax: number) =>
      play({ rows: [1, 1], script: { 0: [5, 6, 7] }, stagingShareMax, isFinished: false }).site.stagingUsed;
    expect([staged(0.25), staged(0.5), staged(1)]).toEqual([1, 2, 3]);
    const none = play({ rows: [1, 5], script: { 0: [5] }, stagingShareMax: 0 });
    expect(none.site.ledger.issued).toBe(0);
    expect(none.site.ledger.refusalCounts()).toMatchObject({ tooLarge: 1 });
  });

  test('staging shrinks the reactive cache, and a first demand promotes into it', () => {
    const { site, prefetcher } = play({ rows: [1, 2, 3, 4, 5, 1, 2], script: { 3: [5, 6] }, isFinished: false });
    // After 4 accesses the cache is full; staging 5 and 6 evicts 1 and 2; 5 moves over, 6 stays staged, so 3 fit beside it.
    expect(prefetcher.served).toEqual([miss, miss, miss, miss, stagedHit, miss, miss]);
    expect(site.used).toBe(4);
    expect(site.stagingUsed).toBe(1);
  });

  test('a miss on a segment that the baseline held is pollution', () => {
    const { site } = play({ rows: [1, 2, 3, 4, 4, 1], script: { 3: [8, 9] } });
    // The baseline still holds 1 when it is asked for again; here 8 and 9 took the space of 1 and 2.
    expect(site.ledger).toMatchObject({ misses: 5, baselineMisses: 4, pollutionMisses: 1, coveredMisses: 0 });
  });

  test('a baseline miss that is a hit here is covered; one that is late is not', () => {
    expect(play({ rows: [1, 2], script: { 0: [2] } }).site.ledger).toMatchObject({
      baselineMisses: 2,
      coveredMisses: 1,
    });
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 2, timeMs: 1001 },
    ];
    const joined = play({ rows, script: { 0: [2] }, latency: '50ms' }).site.ledger;
    expect(joined).toMatchObject({ baselineMisses: 2, coveredMisses: 0 });
  });

  test('nothing is counted before the warm-up, and a prefetch issued before it never is', () => {
    const { site, prefetcher } = play({ rows: [1, 2, 2, 3], script: { 0: [2], 2: [3] }, warmup: 1 });
    expect(prefetcher.outcomes).toEqual(['2:useful', '3:useful']);
    expect(site.ledger).toMatchObject({ accesses: 3, misses: 0, issued: 1, baselineMisses: 2 });
    expect(outcomesOf(site)).toEqual({ useful: 1 });
  });

  test('neither lateness nor space is charged for a prefetch issued before the warm-up', () => {
    const rows = [
      { segment: 1, timeMs: 1000, size: 10 },
      { segment: 2, timeMs: 1010, size: 10 },
      { segment: 1, timeMs: 1020, size: 10 },
      { segment: 3, timeMs: 2000, size: 10 },
    ];
    const script = { 0: [2, 3] };
    const counted = play({ rows, script, latency: '50ms' }).site.ledger;
    // 3 lands at 1050 and is asked for at 2000.
    expect([counted.lateness.count, counted.stagedByteMs]).toEqual([1, 950 * 10]);
    const before = play({ rows, script, latency: '50ms', warmup: 1 }).site.ledger;
    expect([before.lateness.count, before.stagedByteMs]).toEqual([0, 0]);
  });

  test('what waits for a slot and then for a rate goes on waiting; what a total forbids is withdrawn', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 1, timeMs: 1060 },
      { segment: 1, timeMs: 1100 },
      { segment: 1, timeMs: 2200 },
      { segment: 3, timeMs: 2300 },
    ];
    const playWith = (caps: object) => {
      const admission = admissionOf({
        caps: prefetchCapsSchema.parse(caps),
        policy: prefetchPolicySchema.parse({}),
        prices: defaultPrices,
        isTimed: true,
        nameOf: String,
      })!;
      // One slot for the demand for 1, then for 2, then for 3.
      return play({ rows, script: { 0: [2, 3] }, latency: '50msx1', admission }).site.ledger;
    };
    expect(playWith({ requestsPerSecondMax: 1, burstSeconds: 1 })).toMatchObject({ issued: 2, withdrawn: 0 });
    expect(playWith({ requestsMax: 1 })).toMatchObject({ issued: 1, withdrawn: 1 });
  });

  test('a demand larger than the cache makes nobody leave, also where misses are bounded', () => {
    const rows = [
      { segment: 1, size: 3 },
      { segment: 2, size: 5 },
      { segment: 1, size: 3 },
    ];
    const { site, prefetcher } = play({ rows, script: {}, unit: 'bytes', missBound: new MissBound(0, 10) });
    expect(prefetcher.served).toEqual([miss, miss, hit]);
    expect(site.missBreaches).toBe(0);
  });

  test('only prefetches that were used or wasted say whether an expert is right', () => {
    const expertTrust = expertTrustOf(expertTrustSchema.parse({ memory: 8 }))!;
    const rows = [1, { segment: 2, isWrite: true }, 1, { segment: 3, isWrite: true }, 1];
    // 2 is invalidated while staged, 3 in flight, 4 is open when the log ends.
    const { site } = play({
      rows,
      script: { 0: [[2, 0.5]], 2: [[3, 0.5]], 4: [[4, 0.5]] },
      writes: 'invalidate',
      latency: '900ms',
      expertTrust,
    });
    expect(outcomesOf(site)).toEqual({ stale: 2, pending: 1 });
    expect(expertTrust.account(0)).toMatchObject({ trust: 1, isOff: false });
  });

  test('a proposal that is resident, staged or on its way is refused and counted', () => {
    const resident = play({ rows: [1, 1], script: { 0: [1] } }).site.ledger;
    expect(resident.refusalCounts()).toMatchObject({ resident: 1 });
    const staged = play({ rows: [1, 1], script: { 0: [2], 1: [2] } }).site.ledger;
    expect(staged.refusalCounts()).toMatchObject({ resident: 1 });
    const flying = play({ rows: [1, 1], script: { 0: [2], 1: [2] }, latency: '4req' }).site.ledger;
    expect(flying.refusalCounts()).toMatchObject({ inFlight: 1 });
    expect(flying.issued).toBe(1);
  });

  test('in shared staging a prefetch enters the reactive cache and is wasted when it is evicted unused', () => {
    const { site, prefetcher } = play({ rows: [1, 2, 3, 4, 6], script: { 0: [5] }, staging: 'shared' });
    // 1, then 5 enters, 2, 3; 4 evicts 1 and 6 evicts 5.
    expect(prefetcher.outcomes).toEqual(['5:wasted']);
    expect(site.used).toBe(4);
    const used = play({ rows: [1, 5], script: { 0: [5] }, staging: 'shared' });
    expect(used.prefetcher.served).toEqual([miss, stagedHit]);
  });

  test('at a bound of 1 and without an allowance nothing is prefetched before something was saved', () => {
    const rows = [1, 2, 3, 4, 5, 6];
    const script = { 0: [2], 1: [3], 2: [4], 3: [5], 4: [6] };
    const none = play({ rows, script, budget: new TrafficBudget(1, 0) }).site;
    expect(none.ledger.issued).toBe(0);
    expect(none.ledger.refusalCounts().budget).toBe(5);
    const some = play({ rows, script, budget: new TrafficBudget(1, 64) }).site;
    expect(some.ledger.issued).toBe(5);
    expect(some.trafficBreaches).toBe(0);
  });

  test('a call back withdraws what is queued, cancels what is in flight and leaves what is staged', () => {
    const staged = play({ rows: [1], script: { 0: [2] }, isFinished: false }).site;
    staged.callBack(2);
    staged.serve(batchOf([2], 1));
    expect(outcomesOf(staged)).toEqual({ useful: 1 });
    const flying = play({ rows: [1], script: { 0: [2] }, latency: '50ms', isFinished: false }).site;
    flying.callBack(2);
    expect(outcomesOf(flying)).toEqual({ cancelled: 1 });
    const queued = play({ rows: [1], script: { 0: [2] }, latency: '50msx1', isFinished: false }).site;
    queued.callBack(2);
    expect(queued.ledger).toMatchObject({ issued: 0, withdrawn: 1 });
  });

  test('a staged segment is charged for its bytes, not for its count, until it is used or the log ends', () => {
    const rows = [
      { segment: 2, timeMs: 0, size: 1000 },
      { segment: 1, timeMs: 0, size: 1 },
      { segment: 3, timeMs: 0, size: 1 },
      { segment: 4, timeMs: 0, size: 1 },
      { segment: 5, timeMs: 1000, size: 1 },
      { segment: 2, timeMs: 3000, size: 1000 },
      { segment: 5, timeMs: 4000, size: 1 },
    ];
    // Segment 2 is evicted by 5 at 1 s and staged again: it lands 50 ms later and is used at 3 s.
    const { site } = play({ rows, script: { 4: [2] }, latency: '50ms' });
    expect(outcomesOf(site)).toEqual({ useful: 1 });
    expect(site.ledger.stagedByteMs).toBe(1950 * 1000);
    const unused = play({ rows: rows.toSpliced(5, 1), script: { 4: [2] }, latency: '50ms' }).site;
    expect(outcomesOf(unused)).toEqual({ pending: 1 });
    expect(unused.ledger.stagedByteMs).toBe((4000 - 1050) * 1000);
  });

  test('a log line without a size leaves its segment as large as it was', () => {
    const rows = [{ segment: 1, size: 3 }, { segment: 1 }, { segment: 2, size: 2 }, { segment: 1 }];
    for (const makePrefetcher of [null, undefined]) {
      const options = makePrefetcher === null ? { makePrefetcher } : {};
      const { site } = play({ rows, script: {}, unit: 'bytes', ...options });
      // 3 bytes, the same 3 again, 2 that push them out of a cache of 4, and 3 once more.
      expect(site.ledger).toMatchObject({ bytesAccessed: 11, bytesMissed: 8, misses: 3 });
      expect(site.used).toBe(3);
    }
  });

  test('a segment that was never sized counts as the mean of those that were', () => {
    const rows = [{ segment: 1, size: 2 }, { segment: 2, size: 4 }, { segment: 3 }];
    for (const makePrefetcher of [null, undefined]) {
      const options = makePrefetcher === null ? { makePrefetcher } : {};
      const { site } = play({ rows, script: {}, unit: 'bytes', capacity: 10, ...options });
      expect(site.ledger.bytesMissed).toBe(2 + 4 + 3);
      expect(site.used).toBe(9);
    }
  });

  test('what the far loop is told that it may stage is what the prefetch cache takes without pushing anything out', () => {
    const { site } = play({ rows: [1], script: {}, capacity: 1000, isFinished: false });
    const room = site.stagingCapacity;
    expect(room).toBeLessThan(500);
    for (let i = 0; i < room; i++) expect(site.stage(100 + i, -1, 0.5, 0)).toBe(true);
    expect([site.stagingUsed, outcomesOf(site).wasted]).toEqual([room, undefined]);
    site.stage(5000, -1, 0.9, 0);
    expect(outcomesOf(site)).toEqual({ wasted: 1 });
  });

  test('once fetches stood as far above the limit as they may, a site followed LRU for good, however much better its eviction was', () => {
    const random = new Xoshiro128(5);
    const [capacity, hot, rowCount] = [400, 320, 60_000];
    let fresh = 10_000;
    // Popular ones among what never comes again, where ARC beats LRU; and between them a loop that just fits, where neither misses.
    const rows = Array.from({ length: rowCount }, (_, i) => {
      if (i >= 8000 && i < 18_000) return i % capacity;
      return random.int(2) === 0 ? random.int(hot) : fresh++;
    });
    const script = Object.fromEntries(Array.from({ length: 7000 }, (_, i) => [3000 + 2 * i, [5000 + (i % 5000)]]));
    const make =
      (name: EvictionName): SiteOptions['makeEviction'] =>
      (size, onEvict) =>
        createEviction(name, onEvict === undefined ? { capacity: size } : { capacity: size, onEvict });
    const missesOf = (evict: EvictionName, isWasting: boolean): readonly number[] => {
      const options = {
        capacity,
        makeEviction: make(evict),
        ...(isWasting
          ? { makeReference: make('lru'), budget: new TrafficBudget(1, 64, 256) }
          : { makePrefetcher: null }),
      };
      const { site } = play({ rows: rows.slice(0, 20_000), script, isFinished: false, ...options });
      const before = site.ledger.misses;
      site.serve(batchOf(rows.slice(20_000), 20_000));
      expect(site.trafficBreaches).toBe(0);
      return [before, site.ledger.misses - before];
    };
    for (const evict of ['arc', 'sieve', 's3-fifo'] as const) {
      const after = missesOf(evict, true)[1]!;
      const alone = missesOf(evict, false)[1]!;
      expect(missesOf('lru', false)[1]!).toBeGreaterThan(1.4 * alone);
      expect(after).toBeLessThan(1.05 * alone);
    }
  });

  test('slices add up to the whole', () => {
    const rows = Array.from({ length: 25 }, (_, i) => i % 7);
    const script = Object.fromEntries(rows.map((_, i) => [i, [(i * 3 + 1) % 7]]));
    const { site } = play({ rows, script, sliceLength: 10 });
    const { slices } = site.ledger;
    expect(slices.map((slice) => slice.endPosition)).toEqual([10, 20, 25]);
    for (const key of ['accesses', 'misses', 'baselineMisses', 'issued'] as const) {
      expect(slices.reduce((sum, slice) => sum + slice[key], 0)).toBe(site.ledger[key]);
    }
  });
});
