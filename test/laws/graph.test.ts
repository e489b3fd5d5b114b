import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DependencyGraph } from '../../actors/graph-builder/dependency-graph.ts';
import { graphBuilderConfigSchema } from '../../actors/graph-builder/graph-builder-config.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { chainSuccessors, chains } from '../../sim/workloads/chains.ts';
import { AccessBatchBuilder } from '../../streams/access-batch-builder.ts';
import { batchOf } from './streams-batches.ts';

interface Row {
  readonly timeMs: number;
  readonly segment: number;
  readonly consumer: number;
}

const segmentCount = 6;
const rows = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
      segment: fc.nat(segmentCount - 1),
      consumer: fc.integer({ min: -1, max: 2 }),
    }),
    { maxLength: 60 },
  )
  .map((list) => {
    let timeMs = 5_000_000;
    return list.map(({ gap, ...rest }): Row => {
      timeMs += gap;
      return { ...rest, timeMs };
    });
  });

function graphOf(list: readonly Row[], settings: object): DependencyGraph {
  const graph = new DependencyGraph(graphBuilderConfigSchema.parse(settings));
  graph.observe(batchOf(list));
  return graph;
}

/** All (occurrence of source, first following target) pairs: each consumer's next `lookahead` accesses, within `lagMax`. */
function following(
  list: readonly Row[],
  lookahead: number,
  lagMax: number,
  isSource: (row: number) => boolean = () => true,
): { s: number; t: number; lag: number; at: number }[] {
  const pairs: { s: number; t: number; lag: number; at: number }[] = [];
  for (const consumer of [-1, 0, 1, 2]) {
    const own = list.map((row, at) => ({ ...row, at })).filter((row) => row.consumer === consumer);
    own.forEach((source, i) => {
      if (!isSource(source.at)) return;
      const seen = new Set<number>([source.segment]);
      for (let j = i + 1; j <= i + lookahead && j < own.length; j++) {
        const target = own[j]!;
        if (target.timeMs - source.timeMs > lagMax) break;
        if (!seen.has(target.segment)) {
          pairs.push({ s: source.segment, t: target.segment, lag: target.timeMs - source.timeMs, at: target.timeMs });
        }
        seen.add(target.segment);
      }
    });
  }
  return pairs;
}

const never = 1e300;

describe('dependency graph', () => {
  test('equals a naive recount of what followed what', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 9000 }),
        (list, lookahead, lagMaxMs) => {
          const graph = graphOf(list, { lookahead, lagMaxMs, halfLifeMs: never });
          const pairs = following(list, lookahead, lagMaxMs);
          for (let s = 0; s < segmentCount; s++) {
            const occurrences = list.filter((row) => row.segment === s).length;
            expect(graph.occurrencesOf(s)).toBe(occurrences);
            const edges = new Map(graph.successorsOf(s).map((edge) => [edge.target, edge]));
            for (let t = 0; t < segmentCount; t++) {
              const own = pairs.filter((pair) => pair.s === s && pair.t === t);
              const edge = edges.get(t);
              expect(edge?.support ?? 0).toBe(own.length);
              if (edge === undefined) continue;
              expect(edge.confidence).toBeCloseTo(own.length / occurrences, 12);
              const mean = own.reduce((sum, pair) => sum + pair.lag, 0) / own.length;
              expect(edge.lagMean).toBeCloseTo(mean, 1);
              const share = list.filter((row) => row.segment === t).length / list.length;
              expect(edge.lift).toBeCloseTo(own.length / occurrences / Math.min(1, lookahead * share), 9);
              const quick = own.filter((pair) => pair.lag < 1000).length;
              expect(edge.lagShare[0]).toBeCloseTo(quick / own.length, 6);
              expect(edge.lagShare.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
            }
          }
        },
      ),
    );
  });

  test('decays supports exactly', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const halfLifeMs = 200;
        const graph = graphOf(list, { lookahead: 4, halfLifeMs });
        const now = list.at(-1)?.timeMs ?? 0;
        const pairs = following(list, 4, 3_600_000);
        for (let s = 0; s < segmentCount; s++) {
          for (const edge of graph.successorsOf(s)) {
            const exact = pairs
              .filter((pair) => pair.s === s && pair.t === edge.target)
              .reduce((sum, pair) => sum + 2 ** ((pair.at - now) / halfLifeMs), 0);
            expect(Math.abs(edge.support - exact)).toBeLessThanOrEqual(1e-9 * exact + 1e-18);
          }
        }
      }),
    );
  });

  test('counts each pair of a co-access set once, in both directions', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const graph = graphOf(list, { lookahead: 64, halfLifeMs: never });
        const sets = new Map<string, Set<number>>();
        for (const row of list) {
          const key = `${row.consumer}@${row.timeMs}`;
          sets.set(key, (sets.get(key) ?? new Set()).add(row.segment));
        }
        for (let s = 0; s < segmentCount; s++) {
          const companions = new Map(graph.companionsOf(s).map((edge) => [edge.target, edge.support]));
          for (let t = 0; t < segmentCount; t++) {
            if (t === s) continue;
            const count = [...sets.values()].filter((set) => set.has(s) && set.has(t)).length;
            expect(companions.get(t) ?? 0).toBe(count);
          }
        }
      }),
    );
  });

  test('does not depend on how batches are cut', () => {
    fc.assert(
      fc.property(rows, fc.nat(60), fc.nat(60), fc.integer({ min: 1, max: 3 }), (list, a, b, degreeMax) => {
        const settings = { degreeMax, sourcesMax: 4, contextsMax: 2, halfLifeMs: 500 };
        const whole = graphOf(list, settings);
        const cut = new DependencyGraph(graphBuilderConfigSchema.parse(settings));
        const [first, second] = [Math.min(a, b, list.length), Math.min(Math.max(a, b), list.length)];
        cut.observe(batchOf(list.slice(0, first)));
        cut.observe(batchOf(list.slice(first, second), first));
        cut.observe(batchOf(list.slice(second), second));
        expect(cut.strongestEdges(100, 0)).toEqual(whole.strongestEdges(100, 0));
        expect(cut.limits).toEqual(whole.limits);
        expect(cut.accessCount).toBe(list.length);
      }),
    );
  });

  test('of bursts it equals a naive recount of what followed their accesses, within them or after', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(20),
        fc.nat(60),
        (list, lookahead, samplePeriod, sampleBurst, sampleAfter, cutAt) => {
          const settings = { lookahead, samplePeriod, sampleBurst, sampleAfter, sampleRateMin: 0, halfLifeMs: never };
          const graph = new DependencyGraph(graphBuilderConfigSchema.parse(settings));
          const cut = Math.min(cutAt, list.length);
          graph.observe(batchOf(list.slice(0, cut)));
          graph.observe(batchOf(list.slice(cut), cut));
          const isSource = (row: number): boolean =>
            row < sampleAfter || row % samplePeriod >= samplePeriod - sampleBurst;
          const pairs = following(list, lookahead, 3_600_000, isSource);
          expect(graph.accessCount).toBe(list.length);
          expect(graph.sampledCount).toBe(list.filter((_, row) => isSource(row)).length);
          for (let s = 0; s < segmentCount; s++) {
            expect(graph.occurrencesOf(s)).toBe(list.filter((row, i) => row.segment === s && isSource(i)).length);
            const edges = new Map(graph.successorsOf(s).map((edge) => [edge.target, edge.support]));
            for (let t = 0; t < segmentCount; t++) {
              expect(edges.get(t) ?? 0).toBe(pairs.filter((pair) => pair.s === s && pair.t === t).length);
            }
          }
        },
      ),
    );
  });

  test('sampling does not depend on how batches are cut, nor where it changes with the rate', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.nat(60), { maxLength: 6 }), fc.nat(5), (list, cuts, sampleRateMin) => {
        const settings = { samplePeriod: 7, sampleBurst: 2, sampleAfter: 3, sampleRateMin, halfLifeMs: 500 };
        const whole = graphOf(list, settings);
        const cut = new DependencyGraph(graphBuilderConfigSchema.parse(settings));
        const ends = [...cuts.map((end) => Math.min(end, list.length)), list.length].sort((a, b) => a - b);
        ends.forEach((end, i) => {
          const from = i === 0 ? 0 : ends[i - 1]!;
          cut.observe(batchOf(list.slice(from, end), from));
        });
        expect(cut.strongestEdges(100, 0)).toEqual(whole.strongestEdges(100, 0));
        expect(cut.limits).toEqual(whole.limits);
        expect(cut.sampledCount).toBe(whole.sampledCount);
        expect(cut.recent.since(0)).toEqual(whole.recent.since(0));
      }),
    );
  });

  test('confidence of sampled walks is the probability that they were made with, however many walkers take turns', () => {
    for (const consumers of [1, 40, 2000]) {
      const p = chains.parameters.parse({ accesses: 400_000, segments: 50, consumers });
      const sink = new AccessBatchBuilder({ file: 'chains', rowsMax: p.accesses });
      for (const _ of chains.generate(p, new Xoshiro128(3), sink));
      const batch = (sink.takeFull() ?? sink.takeRest())!;
      const idOf = (node: number): number => sink.segments.internString(`node-${node}`);
      const settings = { lookahead: 1, degreeMax: 64, sampleAfter: 0, sampleRateMin: 0, halfLifeMs: never };
      const graph = new DependencyGraph(graphBuilderConfigSchema.parse({ ...settings, lagMaxMs: never }));
      graph.observe(batch);
      expect(graph.sampledCount).toBeLessThan(p.accesses / 7);
      const successor = chainSuccessors(p, new Xoshiro128(3));
      let likeliest = 0;
      let second = 0;
      for (let node = 0; node < p.segments; node++) {
        const edges = new Map(graph.successorsOf(idOf(node)).map((edge) => [edge.target, edge.confidence]));
        likeliest += (edges.get(idOf(successor[2 * node]!)) ?? 0) / p.segments;
        second += (edges.get(idOf(successor[2 * node + 1]!)) ?? 0) / p.segments;
      }
      // A jump may land on a successor as well. Fifty nodes of some thousand samples: a standard error below 0.002, and
      // at 2000 walkers the last access of each is still without a successor, a few hundredths of what was sampled.
      const jump = (1 - p.first - p.second) / p.segments;
      const open = Math.min(consumers, 512) / graph.sampledCount;
      expect(Math.abs(likeliest - p.first - jump)).toBeLessThan(0.01 + open);
      expect(Math.abs(second - p.second - jump)).toBeLessThan(0.01 + open);
    }
  });

  test('keeps its bounds, and a kept support is never above the truth', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 2, max: 6 }),
        (list, degreeMax, sourcesMax) => {
          const graph = graphOf(list, { lookahead: 5, degreeMax, sourcesMax, contextsMax: 2, halfLifeMs: never });
          const pairs = following(list, 5, 3_600_000);
          expect(graph.sourceCount).toBeLessThanOrEqual(sourcesMax);
          expect(graph.contexts.count).toBeLessThanOrEqual(2);
          for (let s = 0; s < segmentCount; s++) {
            const edges = graph.successorsOf(s);
            expect(edges.length).toBeLessThanOrEqual(degreeMax);
            for (const edge of edges) {
              const truth = pairs.filter((pair) => pair.s === s && pair.t === edge.target).length;
              expect(edge.support).toBeLessThanOrEqual(truth);
              expect(edge.confidence).toBeLessThanOrEqual(1);
            }
          }
        },
      ),
    );
  });

  test('expansion equals the best product over all paths of bounded length, cycles included', () => {
    fc.assert(
      fc.property(rows, fc.nat(segmentCount - 1), fc.integer({ min: 1, max: 4 }), (list, seed, depthMax) => {
        const graph = graphOf(list, { lookahead: 3, halfLifeMs: never });
        const best = new Map<number, number>();
        const walk = (at: number, probability: number, steps: number): void => {
          if (at !== seed && probability > (best.get(at) ?? 0)) best.set(at, probability);
          if (steps === 0) return;
          for (const edge of graph.successorsOf(at)) walk(edge.target, probability * edge.confidence, steps - 1);
        };
        walk(seed, 1, depthMax);
        const found = graph.expandDependencies([seed], { depthMax, fanOutMax: 64, probabilityMin: 0 });
        expect(new Set(found.map((reached) => reached.segment)).size).toBe(found.length);
        expect(found.length).toBe(best.size);
        for (const reached of found) expect(reached.probability).toBeCloseTo(best.get(reached.segment)!, 12);
      }),
    );
  });
});
