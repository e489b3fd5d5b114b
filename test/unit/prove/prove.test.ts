import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pricesSchema } from '../../../actors/prices.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { Cost, costColumns } from '../../../sim/prove/block-recorder.ts';
import { effectOf, type Valuation } from '../../../sim/prove/effect.ts';
import { blocksOf, type ProveOptions, prove } from '../../../sim/prove/prove.ts';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import type { RunResult } from '../../../sim/replay/result.ts';
import { verdicts } from '../../../sim/report/summary.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-prove-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const small: Omit<ProveOptions, 'traces'> = { cache: '0.1', unit: 'segments', resamples: 300 };

async function proved(trace: string, options: Partial<ProveOptions> = {}) {
  const { result } = await prove({ ...small, ...options, traces: [trace] });
  return result.traces[0]!;
}

const chance = 'workload:uniform,accesses=20000';
const ofChance = new Map<number, ReturnType<typeof proved>>();

/** Of two caches. Two tests look at the same proofs: they are made once. */
function provedChance(seed: number): ReturnType<typeof proved> {
  const proof = ofChance.get(seed) ?? proved(chance, { seed, cache: '0.01,0.1' });
  ofChance.set(seed, proof);
  return proof;
}

describe('recommendation', () => {
  test.each([chance, 'workload:uniform,accesses=8000,segments=500', 'workload:one-hit,accesses=8000'])(
    'is no where nothing can be predicted: %s',
    async (workload) => {
      for (const seed of [1, 2, 3]) {
        const proof = workload === chance ? provedChance(seed) : proved(workload, { seed, cache: '0.01,0.1' });
        for (const cache of (await proof).caches) {
          expect(cache.recommendation.answer).toBe('do-not');
          expect(cache.recommendation.headline).toMatch(/^do not turn this on: \w/);
          expect(cache.recommendation.sentences.join(' ').length).toBeGreaterThan(20);
        }
      }
    },
  );

  test('is yes on chains, with a bound among those tried and a benefit above zero', async () => {
    for (const seed of [1, 2, 3]) {
      const { caches } = await proved('workload:chains,accesses=20000,segments=1000', { seed });
      const { recommendation, budgets } = caches[0]!;
      expect(recommendation).toMatchObject({ answer: 'turn-on', reason: 'worth-it' });
      const chosen = budgets.find((budget) => budget.isChosen)!;
      expect(recommendation.trafficMax).toBe(chosen.trafficMax);
      expect(chosen.effect.benefitPerMillion.low).toBeGreaterThan(0);
      expect(chosen.chosenOn).toBe(Math.max(...budgets.map((budget) => budget.chosenOn!)));
    }
  });

  test('is no where requests cost more than waiting, and says that it is the prices', async () => {
    const config = replayConfigSchema.parse({ prices: { secondOfWaiting: 1e-6, request: 1 } });
    const { caches } = await proved('workload:chains,accesses=12000,segments=1000', { config, trafficMax: [1.3] });
    expect(caches[0]!.recommendation).toMatchObject({ answer: 'do-not', reason: 'costs-more' });
  });

  test('where the policy refused every prefetch it said "nothing worth fetching early" of chains', async () => {
    const chains = 'workload:chains,accesses=12000,segments=1000';
    for (const [settings, setting] of [
      [{ policy: { deny: ['*'] } }, 'policy'],
      [{ caps: { requestsMax: 0 } }, 'caps.requestsMax'],
      [{ ghost: { kind: 'sampled', rate: 0.2 } }, 'the bound on misses beside ghost.kind: sampled'],
    ] as const) {
      const config = replayConfigSchema.parse(settings);
      const { recommendation } = (await proved(chains, { config, trafficMax: [1.3] })).caches[0]!;
      expect(recommendation.reason).toBe('refused-by-settings');
      expect(recommendation.headline).toContain(`${setting} refused most of what it would have fetched`);
      const { result } = await replay({ cache: '0.1', unit: 'segments', traces: [chains], config });
      expect(verdicts(result.runs)[0]!.headline).toContain(`${setting} refused most of what it would have fetched`);
    }
    const { caches } = await proved('workload:uniform,accesses=8000,segments=500');
    expect(caches[0]!.recommendation.reason).not.toBe('refused-by-settings');
  });

  test('of belady it said "turn it on", though nobody can evict by the future', async () => {
    await expect(proved('workload:chains,accesses=2000,segments=100', { evict: 'belady' })).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringContaining('belady sees the future'),
    });
  });

  test('is no on a log too short for blocks, and where nothing is missed', async () => {
    const short = await proved('workload:chains,accesses=150,segments=40');
    expect(short.caches[0]!.recommendation.reason).toBe('too-short');
    const one = write(
      'one.csv',
      `t_ms,object\n${Array.from({ length: 2000 }, (_, i) => `${i * 100},same`).join('\n')}\n`,
    );
    expect((await proved(one)).caches[0]!.recommendation.reason).toBe('nothing-missed');
  });

  test('where nothing was prefetched it said "it would cost nothing and save nothing", beside figures that were not nothing', async () => {
    const random = new Xoshiro128(1);
    const rows = Array.from({ length: 8000 }, (_, i) => `${i * 500},u${random.int(50)},s${random.int(800)},1000`);
    const log = write('chance.csv', `t_ms,client,object,size\n${rows.join('\n')}\n`);
    const sayingOf = async (trace: string) => {
      const { budgets, recommendation } = (await proved(trace, { unit: 'bytes', trafficMax: [1.3] })).caches[0]!;
      expect(recommendation.reason).toBe('nothing-predicted');
      const { low, high } = budgets[0]!.effect.missesSaved;
      return { isSame: low === 0 && high === 0, sentence: recommendation.sentences[0]! };
    };
    expect(await sayingOf('workload:one-hit,accesses=8000')).toEqual({
      isSame: true,
      sentence: expect.stringContaining('save nothing'),
    });
    expect(await sayingOf(log)).toEqual({ isSame: false, sentence: expect.stringContaining('is the eviction') });
  });

  test('where nothing was missed in the part that judges it said "it costs more than it saves", by 0 to 0', async () => {
    const later = Array.from({ length: 10_000 }, (_, i) => `${i * 100},s${i < 5000 ? i % 500 : i % 5}`).join('\n');
    const { caches } = await proved(write('later.csv', `t_ms,object\n${later}\n`));
    expect(caches[0]!.recommendation).toMatchObject({ answer: 'do-not', reason: 'nothing-missed' });
  });

  test('is no for a cache into which nothing fits, and says that it is the size', async () => {
    const { caches } = await proved('workload:chains,accesses=3000', { cache: '100B', unit: 'bytes' });
    expect(caches[0]!.recommendation).toMatchObject({ answer: 'do-not', reason: 'cache-too-small' });
  });

  test('without sizes it says that bytes cost nothing in the sum', async () => {
    const ring = Array.from({ length: 9000 }, (_, i) => `${i * 100},s${i % 500}`).join('\n');
    const { caches } = await proved(write('ring.csv', `t_ms,object\n${ring}\n`));
    expect(caches[0]!.recommendation.answer).toBe('turn-on');
    expect(caches[0]!.recommendation.sentences.join(' ')).toContain('no sizes');
  });

  test('a log of fifty accesses has estimates, but no interval that pretends to know', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `${i * 1000},c,o${i % 7}`);
    const { caches } = await proved(write('fifty.csv', `t_ms,client,object\n${rows.join('\n')}\n`));
    expect(caches[0]!.recommendation.reason).toBe('too-short');
    for (const { effect } of caches[0]!.budgets) {
      for (const { low, high } of Object.values(effect)) expect([low, high]).toEqual([null, null]);
    }
  });

  test('without times it says what its money rests on, and what the origin must carry', async () => {
    const { caches } = await proved('workload:chains,accesses=9000,segments=500', { ...small, latency: '4req' });
    const said = caches[0]!.recommendation.sentences.join(' ');
    expect(caches[0]!.recommendation.answer).toBe('turn-on');
    expect(said).toContain('each avoided miss is taken to spare 50 ms of waiting');
    expect(said).toMatch(
      /The origin must carry [\d.]+ % to [\d.]+ % more requests; --traffic-max bounds them against LRU/,
    );
  });

  test('no part of a log of chance is called worth it', async () => {
    for (const seed of [1, 3, 5]) {
      const { caches } = await provedChance(seed);
      for (const { parts, recommendation } of caches) {
        expect(recommendation.answer).toBe('do-not');
        expect(parts.filter(({ answer }) => answer === 'on')).toEqual([]);
      }
    }
  });

  test('six visitors of two thousand, each unsure, filled the table of a web log', async () => {
    const rows = Array.from({ length: 4000 }, (_, i) => `${i * 20},visitor-${i % 500},r${i % 300}`);
    const { caches } = await proved(write('crowd.csv', `t_ms,client,object\n${rows.join('\n')}\n`));
    expect(caches[0]!.parts).toEqual([]);
  });

  test('parts of the traffic are told apart: one consumer walks a ring, the other asks at random', async () => {
    const random = new Xoshiro128(3);
    const rows: string[] = [];
    for (let i = 0; i < 16_000; i++) {
      rows.push(`${i * 20},${i % 2 === 0 ? `ring,r${(i / 2) % 400}` : `noise,n${random.int(4000)}`}`);
    }
    // By LRU the ring is never cached, so that nothing is freed for the other consumer when it is staged instead.
    const { caches } = await proved(write('two.csv', `t_ms,client,object\n${rows.join('\n')}\n`), { evict: 'lru' });
    const part = (name: string) => caches[0]!.parts.find((candidate) => candidate.name === name)!;
    expect(part('ring')).toMatchObject({ dimension: 'consumer', answer: 'on' });
    expect(part('ring').accessShare).toBeCloseTo(0.5, 1);
    expect(part('ring').effect.missesSaved.low).toBeGreaterThan(0.5);
    expect(part('noise').answer).not.toBe('on');
  });
});

describe('figures of a proof', () => {
  const options = { ...small, warmup: 2000, trafficMax: [1.3], evict: 'arc', level: '0.9' } as const;
  const trace = 'workload:chains,accesses=9000,segments=500';

  test('with one bound all blocks judge, and the estimates are those of a replay', async () => {
    for (const latency of ['50ms@100MB/sx32', '4req', '0']) {
      const { caches, judgedFrom } = await proved(trace, { ...options, latency });
      expect(judgedFrom).toBe(2000);
      const { evict: _, level: _level, resamples: _resamples, ...rest } = { ...options, latency };
      const { result } = await replay({ ...rest, traces: [trace], evict: ['arc'], prefetch: ['anteroom'] });
      const [reference, baseline, engine] = result.runs;
      const { effect } = caches[0]!.budgets[0]!;
      expect(effect.missesSaved.estimate).toBeCloseTo(1 - engine!.misses / baseline!.misses, 9);
      expect(effect.requestsAdded.estimate).toBeCloseTo(engine!.originRequests / baseline!.originRequests - 1, 9);
      expect(effect.bytesAdded.estimate).toBeCloseTo(engine!.originBytes / baseline!.originBytes - 1, 9);
      expect(effect.benefitPerMillion.estimate).toBeCloseTo((1e6 * engine!.netBenefit!) / engine!.accesses, 6);
      if (latency === '0') expect(effect.waitSaved.estimate).toBeNull();
      else expect(effect.waitSaved.estimate).toBeCloseTo(1 - engine!.latencyRatio!, 9);
      const alone = caches[0]!.evictionAlone!;
      expect(alone.missesSaved.estimate).toBeCloseTo(1 - baseline!.misses / reference!.misses, 9);
      for (const name of ['mean', 'p50', 'p90', 'p99'] as const) {
        expect(caches[0]!.baselineLatencyMs[name]).toBeCloseTo(baseline!.latencyMs[name]!, 5);
      }
    }
  });

  test('of several bounds each is judged on what replays say of the second half alone, p99 included', async () => {
    // Slow at first: waits of the half that chooses must not show.
    const random = new Xoshiro128(8);
    const rows = Array.from({ length: 8000 }, (_, i) => {
      const size = i < 4800 ? 4_000_000 : 40_000;
      return `${i * 900},c${i % 3},o${i < 4000 ? random.int(3000) : (i * 7) % 500},${size}`;
    });
    const log = write('halves.csv', `t_ms,client,object,size\n${rows.join('\n')}\n`);
    const asked = { cache: '200', unit: 'segments', latency: '50ms@20MB/sx32' } as const;
    const proof = await proved(log, { ...asked, trafficMax: [1.1, 1.3] });
    expect(proof.judgedFrom).toBe(4800);
    for (const budget of proof.caches[0]!.budgets) {
      const terms = { ...asked, traces: [log], warmup: proof.chosenFrom, trafficMax: [budget.trafficMax] };
      const whole = (await replay({ ...terms, evict: ['auto'] })).result.runs;
      const first = (await replay({ ...terms, evict: ['auto'], limit: proof.judgedFrom })).result.runs;
      const second = (prefetch: string, of: (run: RunResult) => number): number => {
        const isOf = (run: RunResult): boolean => run.prefetch === prefetch && run.evict === 'auto';
        return of(whole.find(isOf)!) - of(first.find(isOf)!);
      };
      const saved = (of: (run: RunResult) => number): number => 1 - second('anteroom', of) / second('none', of);
      expect(budget.effect.missesSaved.estimate).toBeCloseTo(
        saved((run) => run.misses),
        9,
      );
      expect(budget.effect.bytesAdded.estimate).toBeCloseTo(-saved((run) => run.originBytes), 9);
      expect(budget.effect.waitSaved.estimate).toBeCloseTo(
        saved((run) => run.latencyMs.mean! * run.accesses),
        6,
      );
    }
    // 50 ms and 40,000 bytes at 20 MB/s; over the whole log it would be 250.
    expect(proof.caches[0]!.baselineLatencyMs.p99).toBeLessThan(53);
  });

  test('the cut: a fifth is learned from, half of the rest chooses and the other half judges', () => {
    expect(blocksOf(100_000, null, 3)).toEqual({ start: 20_000, accesses: 400, count: 200, judgedFrom: 100 });
    expect(blocksOf(100_000, 0, 1)).toEqual({ start: 0, accesses: 500, count: 200, judgedFrom: 0 });
    expect(blocksOf(50, null, 2)).toEqual({ start: 10, accesses: 16, count: 2, judgedFrom: 1 });
    expect(blocksOf(50, 99, 2).start).toBe(50);
  });

  test('same log and seed, same proof; level and resamples act', async () => {
    const once = await proved(trace, options);
    expect(await proved(trace, options)).toEqual(once);
    const width = ({ caches }: typeof once): number => {
      const { low, high } = caches[0]!.budgets[0]!.effect.missesSaved;
      return high! - low!;
    };
    expect(width(await proved(trace, { ...options, level: '0.99' }))).toBeGreaterThan(width(once));
    expect(width(await proved(trace, { ...options, resamples: 37 }))).not.toBe(width(once));
  });
});

describe('coverage', () => {
  const valuation: Valuation = {
    prices: pricesSchema.parse({ secondOfWaiting: 1, request: 0, gigabyteTransferred: 0, gigabyteHour: 0 }),
    latencyUnit: 'ms',
    missPenaltyMs: 0,
    hasWaits: true,
    hasBytes: false,
  };

  test('intervals of a known effect, 30 % of misses avoided while the load swings, hold it in about nine logs of ten', () => {
    const blocks = 100;
    let covered = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Xoshiro128(seed);
      const base = new Float64Array(blocks * costColumns);
      const changed = new Float64Array(blocks * costColumns);
      let load = 0.4;
      for (let b = 0; b < blocks; b++) {
        load = Math.min(0.8, Math.max(0.1, load + 0.1 * (random.next() - 0.5)));
        for (let i = 0; i < 100; i++) {
          const at = b * costColumns;
          const isMiss = random.next() < load;
          const isAvoided = isMiss && random.next() < 0.3;
          base[at + Cost.accesses]! += 1;
          changed[at + Cost.accesses]! += 1;
          base[at + Cost.misses]! += isMiss ? 1 : 0;
          changed[at + Cost.misses]! += isMiss && !isAvoided ? 1 : 0;
        }
      }
      const { missesSaved } = effectOf(base, changed, 0, blocks, valuation, {
        level: '0.9',
        resamples: 300,
        random: new Xoshiro128(seed).fork('bootstrap'),
      });
      if (missesSaved.low! <= 0.3 && 0.3 <= missesSaved.high!) covered++;
    }
    // A true 0.9 has a standard error of 0.017 over 300 logs.
    expect(covered / 300).toBeGreaterThanOrEqual(0.84);
    expect(covered / 300).toBeLessThanOrEqual(0.96);
  });

  test('an interval of the misses saved reached to 106 % of them', () => {
    const blocks = 24;
    const base = new Float64Array(blocks * costColumns);
    const changed = new Float64Array(blocks * costColumns);
    for (let b = 0; b < blocks; b++) {
      base[b * costColumns + Cost.accesses] = changed[b * costColumns + Cost.accesses] = 10;
      base[b * costColumns + Cost.misses] = 4;
      changed[b * costColumns + Cost.misses] = b === 7 ? 4 : 0;
    }
    const random = new Xoshiro128(1).fork('bootstrap');
    const { missesSaved } = effectOf(base, changed, 0, blocks, valuation, { level: '0.9', resamples: 300, random });
    expect(missesSaved.estimate).toBeCloseTo(23 / 24, 12);
    expect(missesSaved.high).toBe(1);
  });

  test('intervals of whole proofs hold the mean effect over many futures of one past about as often as they say', async () => {
    // One ring: from each segment on to the next with probability 0.75, else anywhere. The past is long enough to learn it all:
    // what an engine has not learned yet when the judging begins is a chance that one log cannot show.
    const seeds = 40;
    const [past, future] = [8000, 4000];
    const estimates: number[] = [];
    const intervals: (readonly [number, number])[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      let random = new Xoshiro128(7);
      const rows: string[] = [];
      let at = 0;
      for (let i = 0; i < past + future; i++) {
        if (i === past) random = new Xoshiro128(1000 + seed);
        at = random.next() < 0.75 ? (at + 1) % 100 : random.int(100);
        rows.push(`s${at}`);
      }
      const log = write('walk.csv', `object\n${rows.join('\n')}\n`);
      const { caches } = await proved(log, { latency: '0', trafficMax: [1.3], warmup: past, resamples: 300 });
      const { estimate, low, high } = caches[0]!.budgets[0]!.effect.missesSaved;
      estimates.push(estimate!);
      intervals.push([low!, high!]);
    }
    const truth = estimates.reduce((sum, estimate) => sum + estimate, 0) / seeds;
    const covered = intervals.filter(([low, high]) => low <= truth && truth <= high).length / seeds;
    expect(truth).toBeGreaterThan(0.1);
    // 40 logs: a true 0.9 has a standard error of 0.05.
    expect(covered).toBeGreaterThanOrEqual(0.78);
  });
});
