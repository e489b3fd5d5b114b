/** A live engine hands out what to fetch, and lives by the answers. */

import { merge, take } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { Engine } from '../../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';
import type { PrefetchRequest } from '../../../actors/engine/prefetch-desk.ts';

/** Reads `rounds` of a loop that does not fit into the cache, so that only a prefetch can help. */
function readLoop(
  engine: Engine,
  rounds: number,
  options: { readonly from?: number; readonly length?: number } = {},
): number {
  let now = options.from ?? 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < (options.length ?? 40); i++) {
      now += 1000;
      engine.observe({ segment: `/page/${i}`, consumer: 'ann', timeMs: now, size: 100 });
    }
  }
  return now;
}

function liveEngine(config: EngineConfigInput = {}): { engine: Engine; requests: PrefetchRequest[] } {
  const engine = createEngine({ config: { capacity: 20, trafficMax: null, ...config } });
  const requests: PrefetchRequest[] = [];
  engine.prefetches$.subscribe((request) => requests.push(request));
  return { engine, requests };
}

/** Answers each request `delayMs` of event time after it, before the next access. */
function answering(engine: Engine, delayMs: number): void {
  engine.prefetches$.subscribe(({ id, timeMs }) => engine.landed(id, { timeMs: timeMs + delayMs, sizeBytes: 100 }));
}

describe('a live engine', () => {
  test('asks for what comes next, says why, and turns misses into hits', () => {
    const { engine, requests } = liveEngine();
    answering(engine, 30);
    readLoop(engine, 12);
    const { prefetches, misses, baselineMisses, coverage } = engine.stats();
    expect(requests.length).toBe(prefetches.issued);
    expect(misses).toBeLessThan(baselineMisses / 2);
    expect(prefetches.useful).toBeGreaterThan(prefetches.issued / 2);
    expect(coverage).toBeGreaterThan(0.4);
    const last = requests.at(-1)!;
    expect(last).toMatchObject({
      name: engine.nameOf(last.segment),
      consumer: 'ann',
      deadlineMs: last.timeMs + 30_000,
    });
    expect(last.expert).not.toBeNull();
    expect(last.probability).toBeGreaterThan(0);
  });

  test('a request that nobody answers is given up after answerWithinMs, and its slot is free again', () => {
    const { engine, requests } = liveEngine({ live: { answerWithinMs: 5000, concurrencyMax: 2 } });
    const calledBack: number[] = [];
    engine.cancellations$.subscribe((id) => calledBack.push(id));
    // Pages that are read far apart, so that nobody joins what is not answered.
    for (let i = 0; i < 960; i++) engine.observe({ segment: `/page/${i % 40}`, timeMs: 4000 * i });
    for (let i = 0; i < 9; i++) engine.observe({ segment: '/page/0', timeMs: 4_000_000 + 9000 * i });
    const { prefetches, live } = engine.stats();
    expect(requests.length).toBeGreaterThan(4);
    expect(prefetches.useful).toBe(0);
    expect(prefetches.cancelled + prefetches.late).toBeGreaterThan(0);
    expect(live!.open).toBeLessThanOrEqual(2);
    // Whoever fetches is told, so that it may stop.
    const open = requests.filter(({ id }) => engine.isWanted(id)).length;
    expect(open).toBe(live!.open);
    expect(live!.unanswered).toBe(prefetches.cancelled);
    // Those that a demand joined and that were not answered either are called back too.
    expect(calledBack.length).toBeGreaterThanOrEqual(live!.unanswered);
    expect(new Set(calledBack).size).toBe(calledBack.length);
  });

  test('a request that took the slot of one given up long ago was taken to have landed at once, unfetched', () => {
    const { engine, requests } = liveEngine({ live: { answerWithinMs: 500, concurrencyMax: 1 } });
    const calledBack = new Set<number>();
    engine.cancellations$.subscribe((id) => calledBack.add(id));
    // Nobody answers and nobody fetches, so nothing can ever be staged; the long gaps let requests run out between two accesses.
    for (let i = 0; i < 960; i++) {
      engine.observe({ segment: `/page/${i % 40}`, consumer: 'ann', timeMs: 200 * i + 5000 * Math.floor(i / 7) });
      expect(engine.stats().cache.staged).toBe(0);
    }
    const { prefetches } = engine.stats();
    expect(prefetches.issued).toBeGreaterThan(100);
    expect(prefetches.useful).toBe(0);
    for (const { timeMs, deadlineMs } of requests) expect(deadlineMs - timeMs).toBe(500);
  });

  test('no more than concurrencyMax requests are open at once', () => {
    for (const concurrencyMax of [1, 3]) {
      const engine = createEngine({ config: { capacity: 20, trafficMax: null, live: { concurrencyMax } } });
      let most = 0;
      engine.prefetches$.subscribe(() => {
        most = Math.max(most, engine.stats().live!.open);
      });
      readLoop(engine, 12);
      expect(most).toBe(concurrencyMax);
    }
  });

  test('an unknown, late or second answer changes nothing and is counted', () => {
    const { engine, requests } = liveEngine();
    const now = readLoop(engine, 12);
    const { id } = requests.at(-1)!;
    engine.landed(id, { timeMs: now });
    const before = engine.stats();
    expect(engine.landed(id, { timeMs: now })).toBe(false);
    expect(engine.failed(id)).toBe(false);
    expect(engine.landed(10 ** 9)).toBe(false);
    const after = engine.stats();
    expect(after.live!.ignoredAnswers - before.live!.ignoredAnswers).toBe(3);
    expect({ ...after, live: null }).toEqual({ ...before, live: null });
  });

  test('a failed fetch ends the prefetch as cancelled and leaves the segment to be asked for again', () => {
    const { engine, requests } = liveEngine();
    engine.prefetches$.subscribe(({ id }) => engine.failed(id));
    readLoop(engine, 12);
    const { prefetches } = engine.stats();
    expect(prefetches.cancelled).toBe(prefetches.issued);
    expect(new Set(requests.map((r) => r.name)).size).toBeLessThan(requests.length);
  });

  test('demands that joined fetches which then failed earned trust for who asked: only those that delivered do', () => {
    const trustAfter = (answer: (engine: Engine, id: number) => unknown): number[] => {
      const { engine } = liveEngine();
      const open: number[] = [];
      engine.prefetches$.subscribe(({ id }) => open.push(id));
      // Answers come a while after the demand that joined.
      for (let i = 0; i < 480; i++) {
        engine.observe({ segment: `/page/${i % 40}`, consumer: 'ann', timeMs: 1000 * i, size: 100 });
        while (open.length > 12) answer(engine, open.shift()!);
      }
      expect(engine.stats().prefetches.late).toBeGreaterThan(100);
      return engine.stats().governor.state!.experts.map(({ trust }) => trust);
    };
    expect(new Set(trustAfter((engine, id) => engine.failed(id)))).toEqual(new Set([1]));
    expect(new Set(trustAfter(() => {}))).toEqual(new Set([1]));
    expect(trustAfter((engine, id) => engine.landed(id)).some((trust) => trust !== 1)).toBe(true);
  });

  test('every issued prefetch has exactly one outcome', async () => {
    const { engine } = liveEngine();
    let count = 0;
    engine.prefetches$.subscribe(({ id, timeMs }) => {
      count++;
      if (count % 3 === 0) engine.failed(id);
      else if (count % 3 === 1) engine.landed(id, { timeMs: timeMs + 10 });
    });
    readLoop(engine, 12);
    const { prefetches: p } = await engine.stop();
    expect(p.useful + p.late + p.wasted + p.cancelled + p.stale + p.pending).toBe(p.issued);
    expect(p.issued).toBeGreaterThan(10);
  });

  test('a segment that is invalidated while its prefetch is in flight calls that back as stale', () => {
    const { engine, requests } = liveEngine();
    const calledBack: number[] = [];
    engine.cancellations$.subscribe((id) => calledBack.push(id));
    engine.prefetches$.pipe(take(1)).subscribe(({ name }) => {
      engine.invalidate(name);
      expect(engine.stats().prefetches.stale).toBe(1);
    });
    readLoop(engine, 12);
    const open = requests[0]!;
    expect(calledBack[0]).toBe(open.id);
    expect(engine.landed(open.id)).toBe(false);
  });

  test('slower fetches make it ask earlier', () => {
    const leadOf = (delayMs: number): number => {
      const engine = createEngine({ config: { capacity: 20, trafficMax: null, live: { concurrencyMax: 32 } } });
      const due: { id: number; at: number }[] = [];
      engine.prefetches$.subscribe(({ id, timeMs }) => due.push({ id, at: timeMs + delayMs }));
      for (let i = 0; i < 800; i++) {
        const timeMs = (i + 1) * 1000;
        while (due.length > 0 && due[0]!.at <= timeMs) engine.landed(due[0]!.id, { timeMs: due.shift()!.at });
        engine.observe({ segment: `/page/${i % 40}`, consumer: 'ann', timeMs });
      }
      return engine.site.leadAccesses;
    };
    expect(leadOf(2500)).toBeGreaterThan(leadOf(10) + 1);
  });

  test('requests wait for a subscriber as long as they are open, and no longer', () => {
    const engine = createEngine({ config: { capacity: 20, trafficMax: null, live: { concurrencyMax: 4 } } });
    let now = 0;
    for (let i = 0; i < 480 || engine.stats().live!.open === 0; i++) {
      now += 1000;
      engine.observe({ segment: `/page/${i % 40}`, consumer: 'ann', timeMs: now });
    }
    const { open } = engine.stats().live!;
    const requests: PrefetchRequest[] = [];
    engine.prefetches$.subscribe((request) => requests.push(request));
    expect(requests).toHaveLength(open);
    for (const { id } of requests) engine.failed(id);
    expect(engine.stats().live).toMatchObject({ open: 0, ignoredAnswers: 0 });
  });

  test('the fetch that a demand joined is still measured, and its answer is not one too many', () => {
    const { engine, requests } = liveEngine({ live: { measuredFetches: 4 } });
    const now = readLoop(engine, 12);
    const joined = requests.findLast(({ name }) => engine.holds(name))!;
    const before = engine.stats().live!;
    expect(engine.landed(joined.id, { timeMs: now + 100_000 })).toBe(false);
    const after = engine.stats().live!;
    expect(after.landed).toBe(before.landed + 1);
    expect(after.ignoredAnswers).toBe(before.ignoredAnswers);
    expect(after.firstByteMs).toBeGreaterThan(before.firstByteMs);
  });

  test('forecasts of each tick come out, calibrated between 0 and 1', () => {
    // The log is shorter than the window after which a horizon is judged.
    const forecaster = { windowErrorMax: 1 };
    const engine = createEngine({
      config: { capacity: 20, farLoop: { intervalMs: 10_000, accessesPerTickMin: 10, forecaster } },
    });
    const sets: number[] = [];
    engine.forecasts$.subscribe(({ forecasts }) => {
      sets.push(forecasts.length);
      for (const { probability, horizonMs, name } of forecasts) {
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
        expect(horizonMs).toBeGreaterThan(0);
        expect(name).toMatch(/^\/page\//);
      }
    });
    // Until their outcomes are known they are on trial.
    readLoop(engine, 30);
    expect(sets.length).toBeGreaterThan(10);
    expect(Math.max(...sets)).toBeGreaterThan(0);
  });

  test('says on demand what follows the last access of a consumer, and changes nothing by it', () => {
    const config = { capacity: 20, farLoop: { intervalMs: 10_000, accessesPerTickMin: 10 } };
    const [asked, quiet] = [createEngine({ config }), createEngine({ config })];
    for (const engine of [asked, quiet]) readLoop(engine, 12);
    const next = asked.forecast({ consumer: 'ann', count: 3 });
    expect(next[0]).toMatchObject({ expert: 'dependency', name: expect.stringMatching(/^.page.[0-3]$/) });
    expect(next.map((f) => f.probability)).toEqual(next.map((f) => f.probability).sort((a, b) => b - a));
    expect(next[0]!.probability).toBeGreaterThan(0.5);
    expect(next[0]!.probability).toBeLessThanOrEqual(1);
    expect(asked.forecast({ segment: '/page/0' })[0]!.name).toBe('/page/0');
    const hour = asked.forecast({ segment: '/page/20', horizonMs: 3_600_000 })[0]!;
    expect(hour.horizonMs).toBeGreaterThanOrEqual(3_600_000);
    expect(asked.forecast({ consumer: 'nobody' })).toEqual([]);
    expect(asked.forecast({ segment: '/nowhere' })).toEqual([]);
    for (const engine of [asked, quiet]) readLoop(engine, 3, { from: 1e6 });
    expect(asked.stats().digest).toBe(quiet.stats().digest);
  });

  test('answers about use, order and decisions', () => {
    const { engine } = liveEngine();
    answering(engine, 30);
    readLoop(engine, 12);
    expect(engine.hotSegments(3)).toHaveLength(3);
    expect(engine.accessMap('/page/7')).toMatchObject({ name: '/page/7', count: 12 });
    expect(engine.accessMap('/nowhere')).toBeNull();
    expect(engine.successors('/page/7')[0]!.name).toBe('/page/8');
    const decisions = engine.decisions(5);
    expect(decisions.map((d) => d.sequence)).toEqual([0, 1, 2, 3, 4].map((back) => decisions[0]!.sequence - back));
    expect(engine.decisions().some((d) => d.kind === 'ended' && d.reason === 'useful' && d.expert !== null)).toBe(true);
  });

  test('after stop it takes nothing, and its streams have ended', async () => {
    const { engine } = liveEngine();
    let ended = 0;
    merge(engine.prefetches$, engine.cancellations$, engine.forecasts$).subscribe({ complete: () => ended++ });
    readLoop(engine, 2);
    const stats = await engine.stop();
    expect(await engine.stop()).toEqual(stats);
    expect(ended).toBe(1);
    expect(() => engine.observe({ segment: 'a' })).toThrow(expect.objectContaining({ code: 'actor-stopped' }));
  });
});

describe('what is said of an access', () => {
  const refusals = [
    [{ segment: 'a', timeMs: Number.NaN }, 'timeMs'],
    [{ segment: 'a', size: -2 }, 'size'],
    [{ segment: 'a', weight: 0 }, 'weight'],
    [{ segment: -1 }, 'segment'],
    [{ segment: 1.5 }, 'segment'],
    [{ segment: 'a', consumer: -7 }, 'consumer'],
    [{ segment: 'a', op: 'peek' as 'read' }, 'op'],
  ] as const;

  test.each(refusals)('%j is refused', (access, field) => {
    const engine = createEngine();
    expect(() => engine.observe(access)).toThrow(new RegExp(`^${field}: expected`));
    expect(engine.position).toBe(0);
  });

  test('a time that goes back is set to the latest, counted', () => {
    const engine = createEngine();
    for (const timeMs of [1000, 500, 2000]) engine.observe({ segment: 'a', timeMs });
    expect(engine.stats().intake.clampedTimes).toBe(1);
  });

  test('beyond segmentsMax new segments are passed over, and known ones go on', () => {
    const engine = createEngine({ config: { segmentsMax: 2 } });
    for (const segment of ['a', 'b', 'c', 'a']) engine.observe({ segment, timeMs: 1 });
    expect(engine.stats()).toMatchObject({ accesses: 3, intake: { segmentsRefused: 1 } });
  });

  test('beyond consumersMax accesses count as of nobody', () => {
    const engine = createEngine({ config: { consumersMax: 1 } });
    for (const consumer of ['ann', 'bob', 'ann']) engine.observe({ segment: 'a', consumer, timeMs: 1 });
    expect(engine.stats()).toMatchObject({ accesses: 3, intake: { consumersRefused: 1 } });
  });
});

test('an engine of which a part failed says so and takes nothing more', () => {
  // An interner that fails stands for any part of the engine that does.
  const engine = createEngine({ config: { policy: { deny: ['x'] } } });
  let isBroken = false;
  const { nameOf } = engine.names;
  engine.names.nameOf = (segment) => {
    if (isBroken) throw new Error('broken');
    return nameOf.call(engine.names, segment);
  };
  isBroken = true;
  const read = (): void => {
    for (let i = 0; i < 3000; i++) engine.observe({ segment: `/page/${i % 1500}`, timeMs: 1000 * i });
  };
  expect(read).toThrow(expect.objectContaining({ code: 'actor-stopped' }));
  expect(engine.fault).toMatch(/broken/);
  expect(() => engine.observe({ segment: 'a' })).toThrow(expect.objectContaining({ code: 'actor-stopped' }));
});
