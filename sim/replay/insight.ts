/** What the far loop's models see in a trace, for the report: hot segments over the week, and what follows what. */

import { AccessMap } from '../../actors/aggregator/access-map.ts';
import { hourOfWeek, hoursPerWeek } from '../../actors/aggregator/hour-of-week.ts';
import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { type FarLoopConfig, farLoopConfigSchema } from '../../actors/far-loop-config.ts';
import { DependencyGraph } from '../../actors/graph-builder/dependency-graph.ts';
import { type TimeZone, zoneNamed } from '../../actors/time-zone.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { selectRows } from '../../streams/operators/select-rows.ts';
import { isDemand } from './future.ts';
import type { TraceInsight } from './result.ts';
import type { Trace } from './trace.ts';

const HOT_SEGMENTS = 16;
const EDGES = 28;
/** Occurrences that an edge must rest on to be shown: below it, confidence is mostly chance. */
const SUPPORT_MIN = 4;

/** How an insight is learned. */
export interface InsightOptions {
  /** Default `access`; under the others a write or delete is not a demand, and is not learned from. */
  readonly writes?: WritePolicy;
  /** The far loop's aggregator and graph builder are set as these are. Default: as the schema has them. */
  readonly farLoop?: Pick<FarLoopConfig, 'aggregator' | 'graphBuilder' | 'timeZone'>;
}

/** Two passes over the trace: one learns, one counts the hours of the segments that turned out hottest. */
export async function insightOf(trace: Trace, options: InsightOptions = {}): Promise<TraceInsight> {
  const { aggregator, graphBuilder, timeZone } = options.farLoop ?? farLoopConfigSchema.parse({});
  const writes = options.writes ?? 'access';
  const map = new AccessMap({ ...aggregator, timeZone });
  const graph = new DependencyGraph(graphBuilder);
  let position = 0;
  for await (const batch of trace.batches()) {
    const demands = demandsOf(batch, writes, position);
    position += demands.length;
    if (demands.length === 0) continue;
    map.observe(demands);
    graph.observe(demands);
  }
  const hot = map.findFrequent(HOT_SEGMENTS).map(({ segment }) => segment);
  const { timeSpanMs } = trace.facts;
  const hours = timeSpanMs === null ? [] : await countHours(trace, hot, writes, zoneNamed(timeZone));
  return {
    trace: trace.name,
    format: trace.format,
    accesses: trace.facts.accessCount,
    segments: trace.facts.distinctCount,
    consumers: trace.facts.consumerCount,
    timeSpanMs,
    timeZone,
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

/** The rows of a batch that are demands, at the log position that they would have were there nothing else. */
export function demandsOf(batch: AccessBatch, writes: WritePolicy, position: number): AccessBatch {
  if (writes === 'access') return batch;
  const rows = new Uint32Array(batch.length);
  let count = 0;
  for (let i = 0; i < batch.length; i++) if (isDemand(batch.op[i]!, writes)) rows[count++] = i;
  return selectRows(batch, rows, count, position);
}

async function countHours(
  trace: Trace,
  segments: readonly number[],
  writes: WritePolicy,
  zone: TimeZone,
): Promise<Float64Array[]> {
  const rowOf = new Int32Array(trace.facts.segmentCount).fill(-1);
  segments.forEach((segment, row) => {
    rowOf[segment] = row;
  });
  const counts = segments.map(() => new Float64Array(hoursPerWeek));
  for await (const batch of trace.batches()) {
    const { segment, timeMs, weight, op, length } = batch;
    for (let i = 0; i < length; i++) {
      if (!isDemand(op[i]!, writes)) continue;
      const row = rowOf[segment[i]!]!;
      const at = timeMs[i]!;
      if (row >= 0 && !Number.isNaN(at)) counts[row]![hourOfWeek(at, zone.offsetMsAt(at))]! += weight[i]!;
    }
  }
  return counts;
}
