/** Hints call for segments before anything has been learned, and are believed as far as they turn out right. */

import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { Engine } from '../../../actors/engine/engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';
import type { PrefetchRequest } from '../../../actors/engine/prefetch-desk.ts';
import type { Dependency } from '../../../actors/graph-builder/dependency-graph.ts';
import { HINTS_MAX } from '../../../actors/hints/hints-config.ts';
import { hintsOf } from '../../../actors/hints/hints-of-edges.ts';
import { type ReplayOptions, replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import { Trace } from '../../../sim/replay/trace.ts';

const base: EngineConfigInput = { capacity: 50, trafficMax: null, missBound: { isEnabled: false } };

function listening(engine: Engine): PrefetchRequest[] {
  const requests: PrefetchRequest[] = [];
  engine.prefetches$.subscribe((request) => {
    requests.push(request);
    engine.landed(request.id, { timeMs: request.timeMs + 10 });
  });
  return requests;
}

const names = (requests: readonly PrefetchRequest[]): readonly string[] => requests.map((request) => request.name);

describe('an ordered list', () => {
  test('calls for its next segments at the very first access', () => {
    const lists = [{ segments: ['a', 'b', 'c', 'd', 'e'], ahead: 2, probability: 0.9 }];
    const engine = createEngine({ config: { ...base, hints: { lists } } });
    const requests = listening(engine);
    engine.observe({ segment: 'a', timeMs: 1000 });
    expect(names(requests)).toEqual(['b', 'c']);
    expect(requests[0]).toMatchObject({ expert: 'hint', probability: 0.9 });
    engine.observe({ segment: 'b', timeMs: 2000 });
    expect(names(requests)).toEqual(['b', 'c', 'd']);
    expect(engine.stats()).toMatchObject({ misses: 1, hits: 1, prefetches: { useful: 1 } });
  });

  test('an unordered one calls for all the others', () => {
    const lists = [{ segments: ['a', 'b', 'c', 'd'], isOrdered: false }];
    const engine = createEngine({ config: { ...base, hints: { lists } } });
    const requests = listening(engine);
    engine.observe({ segment: 'c', timeMs: 1000 });
    expect(new Set(names(requests))).toEqual(new Set(['a', 'b', 'd']));
  });

  test('a segment of no list calls for nothing, and one of two lists for both', () => {
    const lists = [{ segments: ['a', 'b'] }, { segments: ['a', 'z'] }];
    const engine = createEngine({ config: { ...base, hints: { lists } } });
    const requests = listening(engine);
    engine.observe({ segment: 'q', timeMs: 1000 });
    expect(requests).toEqual([]);
    engine.observe({ segment: 'a', timeMs: 2000 });
    expect(new Set(names(requests))).toEqual(new Set(['b', 'z']));
  });
});

test('however many lists a segment is in, an access calls for 256 segments at most', () => {
  const lists = Array.from({ length: 50 }, (_, i) => ({
    segments: ['hub', ...Array.from({ length: 20 }, (_, j) => `spoke ${i} ${j}`)],
    isOrdered: false,
  }));
  const live = { concurrencyMax: 2000 };
  const engine = createEngine({ config: { ...base, capacity: 20_000, live, hints: { lists }, holdout: { share: 0 } } });
  const requests = listening(engine);
  engine.observe({ segment: 'hub', timeMs: 1 });
  expect(requests).toHaveLength(256);
});

test('more than 10,000 lists are refused, and none of the call is added', () => {
  const engine = createEngine({ config: base });
  const lists = Array.from({ length: 6000 }, (_, i) => ({ segments: [`a ${i}`, `b ${i}`] }));
  engine.addHints(lists);
  expect(() => engine.addHints(lists)).toThrow(expect.objectContaining({ code: 'limit' }));
});

describe('a time', () => {
  const day = 86_400_000;
  const lists = [{ segments: ['report', 'chart'], atMs: day, everyMs: day, leadMs: 60_000 }];

  test('calls for the list from leadMs before it, once each time', () => {
    const engine = createEngine({ config: { ...base, capacity: 2, hints: { lists } } });
    const requests = listening(engine);
    const countAt = (timeMs: number): number => {
      engine.observe({ segment: `other ${timeMs}`, timeMs });
      return requests.length;
    };
    expect(countAt(day - 61_000)).toBe(0);
    expect(countAt(day - 59_000)).toBeGreaterThan(0);
    const first = requests.length;
    expect(countAt(day - 58_000)).toBe(first);
    expect(countAt(day - 57_000)).toBe(first);
    expect(countAt(2 * day - 61_000)).toBe(first);
    expect(countAt(2 * day - 60_000)).toBeGreaterThan(first);
  });

  test('one that nobody came by for is not made up for', () => {
    const engine = createEngine({ config: { ...base, hints: { lists } } });
    const requests = listening(engine);
    engine.observe({ segment: 'other', timeMs: 5.5 * day });
    expect(requests).toEqual([]);
    engine.observe({ segment: 'another', timeMs: 6 * day - 1000 });
    expect(requests.length).toBeGreaterThan(0);
  });
});

describe('a list that is wrong', () => {
  /** Reads `head n`, never what the hint says follows. */
  function requestsFor(hints: EngineConfigInput['hints'] & object): number {
    const engine = createEngine({ config: { ...base, capacity: 40, hints, farLoop: { isEnabled: false } } });
    const requests = listening(engine);
    for (let i = 0; i < 3000; i++) engine.observe({ segment: `head ${i % 100}`, timeMs: 1000 * (i + 1) });
    return requests.filter((request) => request.expert === 'hint').length;
  }
  // One list over all heads, each followed by a tail that nobody reads.
  const segments = Array.from({ length: 100 }, (_, i) => [`head ${i}`, `tail ${i}`]).flat();
  const lists = [{ segments, ahead: 1 }];

  test('soon calls for nothing, but now and then', () => {
    const soon = requestsFor({ lists });
    expect(soon).toBeGreaterThan(8);
    expect(soon).toBeLessThan(150);
  });

  test('probabilityMin, priorUses and trialEvery act', () => {
    const few = requestsFor({ lists });
    expect(requestsFor({ lists, probabilityMin: 0 })).toBeGreaterThan(2000);
    expect(requestsFor({ lists, priorUses: 100 })).toBeGreaterThan(few + 50);
    expect(requestsFor({ lists, trialEvery: 4 })).toBeGreaterThan(few * 2);
    expect(requestsFor({ lists: [{ segments, ahead: 1, probability: 0.1 }] })).toBeLessThan(few);
  });
});

describe('import and export', () => {
  function read(engine: Engine, rounds: number, from = 0): void {
    for (let i = 0; i < rounds * 60; i++) {
      engine.observe({ segment: `/page/${i % 60}`, consumer: 'ann', timeMs: from + 1000 * (i + 1), size: 100 });
    }
  }

  test('what one engine learned, another starts with', () => {
    const teacher = createEngine({ config: { ...base, capacity: 10 } });
    read(teacher, 12);
    const learned = teacher.learnedHints();
    expect(learned.length).toBeGreaterThan(0);
    const knowing = createEngine({ config: { ...base, capacity: 10 } });
    const ignorant = createEngine({ config: { ...base, capacity: 10 } });
    // By way of a file.
    knowing.addHints(JSON.parse(JSON.stringify(learned)));
    for (const engine of [knowing, ignorant]) {
      listening(engine);
      read(engine, 1);
    }
    expect(ignorant.stats().hits).toBe(0);
    expect(knowing.stats().hits).toBeGreaterThan(30);
  });

  test('hints that were added are part of a snapshot, also beyond its journal', () => {
    for (const journalAccessesMax of [65_536, 1]) {
      const config = { ...base, journalAccessesMax };
      const first = createEngine({ config });
      first.addHints([{ segments: ['x', 'y'] }]);
      for (let i = 0; i < 9000; i++) first.observe({ segment: `s${i}`, timeMs: i });
      const second = createEngine({ config, snapshot: first.snapshot() });
      const requests = listening(second);
      second.observe({ segment: 'x', timeMs: 10_000 });
      expect(names(requests)).toContain('y');
    }
  });

  test('a list that cannot be is refused with its place, and none of the call is added', () => {
    const engine = createEngine({ config: base });
    const bad = [{ segments: ['a', 'b'] }, { segments: ['a'], probability: 2 }];
    expect(() => engine.addHints(bad)).toThrow(/lists\[1\]\.probability/);
    const requests = listening(engine);
    engine.observe({ segment: 'a', timeMs: 1 });
    expect(requests).toEqual([]);
  });

  test('hints of which no name was ever accessed, as where they are written in another way, were added without a word', () => {
    const engine = createEngine({ config: { ...base, segmentsMax: 3 } });
    engine.observe({ segment: '/a', timeMs: 1 });
    engine.observe({ segment: '/b', timeMs: 2 });
    expect(engine.addHints([{ segments: ['/a', '/b'] }])).toEqual({ lists: 1, names: 2, unknown: 0, refused: 0 });
    const foreign = [{ segments: ['/b', 'http://h/a'] }, { segments: ['http://h/a', 'http://h/c'] }];
    expect(engine.addHints(foreign)).toEqual({ lists: 2, names: 3, unknown: 2, refused: 1 });
  });

  test('a replay takes hints by its config', async () => {
    const options: ReplayOptions = {
      traces: ['workload:chains,segments=300,accesses=3000'],
      latency: '4req',
      cache: '0.05',
      prefetch: ['anteroom'],
      trafficMax: [null],
    };
    const runWith = async (hints: object) => {
      const { result, details, warnings } = await replay({ ...options, config: replayConfigSchema.parse({ hints }) });
      const at = result.runs.findIndex((run) => run.prefetch === 'anteroom');
      return { run: result.runs[at]!, warnings, hint: details[at]!.experts.find((expert) => expert.name === 'hint') };
    };
    const without = await runWith({});
    expect(without.hint).toBeUndefined();
    const trace = await Trace.open(options.traces[0]!, { seed: 1, addressBytes: null });
    const segments = Array.from({ length: trace.segments.count }, (_, id) => trace.segments.nameOf(id));
    await trace.close();
    const hinted = await runWith({ lists: [{ segments, isOrdered: false, probability: 1 }], probabilityMin: 0 });
    expect(hinted.hint!.issued).toBeGreaterThan(0);
    const unknown = await runWith({ lists: [{ segments: ['nobody', 'knows'] }] });
    expect(unknown.run.digest).toBe(without.run.digest);
    // It was passed over without a word.
    expect(unknown.warnings).toEqual([
      expect.stringMatching(
        /hints: 2 of 2 names are of no segment of this log \(nobody, knows\); 1 of 1 list can call for nothing$/,
      ),
    ]);
    expect(hinted.warnings).toEqual([]);
  });
});

describe('chains of edges', () => {
  const edge = (source: number, target: number, confidence: number): Dependency => ({
    source,
    target,
    confidence,
    support: 10,
    lift: 1,
    lagMean: 1,
    lagShare: new Float64Array(8),
  });

  test('start where nothing leads to, follow the strongest edge, and leave no edge out', () => {
    const hints = hintsOf([edge(2, 3, 0.9), edge(1, 2, 0.9), edge(3, 4, 0.9), edge(1, 9, 0.4)]);
    expect(hints.map((hint) => hint.segments)).toEqual([
      [1, 2, 3, 4],
      [1, 9],
    ]);
    expect(hints[0]!.probability).toBeCloseTo(0.9);
    expect(hints[0]!.ahead).toBeGreaterThan(1);
    expect(hints[1]).toMatchObject({ ahead: 1, probability: 0.4 });
  });

  test('what one engine had learned was more lists than another takes', () => {
    const edges = Array.from({ length: 10_003 }, (_, i) => edge(2 * i, 2 * i + 1, 0.5));
    expect(hintsOf(edges)).toHaveLength(HINTS_MAX);
  });

  test('a circle ends where it began', () => {
    const hints = hintsOf([edge(1, 2, 0.8), edge(2, 1, 0.8)]);
    expect(hints.flatMap((hint) => hint.segments.slice(1)).sort()).toEqual([1, 2]);
  });
});
