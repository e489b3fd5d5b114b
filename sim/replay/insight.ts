/** What the far loop's models see in a trace, for the report: hot segments over the week, and what follows what. */

import { AccessMap } from '../../actors/aggregator/access-map.ts';
import { hourOfWeek, hoursPerWeek } from '../../actors/aggregator/hour-of-week.ts';
import { DependencyGraph } from '../../actors/graph-builder/dependency-graph.ts';
import type { TraceInsight } from './result.ts';
import type { Trace } from './trace.ts';

const HOT_SEGMENTS = 16;
const EDGES = 28;
/** Occurrences that an edge must rest on to be shown: below it, confidence is mostly chance. */
const SUPPORT_MIN = 4;

/** Two passes over the trace: one learns, one counts the hours of the segments that turned out hottest. */
export async function insightOf(trace: Trace): Promise<TraceInsight> {
  const map = new AccessMap();
  const graph = new DependencyGraph();
  for await (const batch of trace.batches()) {
    map.observe(batch);
    graph.observe(batch);
  }
  const hot = map.findFrequent(HOT_SEGMENTS).map(({ segment }) => segment);
  const { timeSpanMs } = trace.facts;
  const hours = timeSpanMs === null ? [] : await countHours(trace, hot);
  return {
    trace: trace.name,
    format: trace.format,
    accesses: trace.facts.accessCount,
    segments: trace.facts.segmentCount,
    consumers: trace.facts.consumerCount,
    timeSpanMs,
    hotByHourOfWeek: hours.map((counts, i) => ({
      segment: trace.segments.nameOf(hot[i]!),
      total: counts.reduce((sum, count) => sum + count, 0),
      hours: Array.from(counts),
    })),
    dependencies: graph.strongestEdges(EDGES, SUPPORT_MIN).map((edge) => ({
      from: trace.segments.nameOf(edge.source),
      to: trace.segments.nameOf(edge.target),
      support: edge.support,
      confidence: edge.confidence,
      lift: edge.lift,
      lagMs: timeSpanMs === null ? null : edge.lagMean,
    })),
  };
}

async function countHours(trace: Trace, segments: readonly number[]): Promise<Float64Array[]> {
  const rowOf = new Int32Array(trace.facts.segmentCount).fill(-1);
  segments.forEach((segment, row) => {
    rowOf[segment] = row;
  });
  const counts = segments.map(() => new Float64Array(hoursPerWeek));
  for await (const batch of trace.batches()) {
    const { segment, timeMs, weight, length } = batch;
    for (let i = 0; i < length; i++) {
      const row = rowOf[segment[i]!]!;
      if (row >= 0 && !Number.isNaN(timeMs[i]!)) counts[row]![hourOfWeek(timeMs[i]!, 0)]! += weight[i]!;
    }
  }
  return counts;
}
