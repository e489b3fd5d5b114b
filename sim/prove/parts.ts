/** The parts of a log's traffic on which prefetching is judged apart: by operation, by site, by consumer. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { Operation, operationNames } from '../../streams/operation.ts';
import { isDemand } from '../replay/future.ts';
import type { Trace } from '../replay/trace.ts';
import { countedText } from '../report/words.ts';

export type Dimension = 'op' | 'site' | 'consumer';

/** One part: the rows of one operation, site or consumer, or of all consumers (sites) beyond the busiest. */
export interface Part {
  readonly dimension: Dimension;
  readonly name: string;
  /** How many it stands for, where it is those beyond the busiest. */
  readonly othersCount?: number;
}

/** A part as a person says it: `consumer ann`, `1,704 other consumers`. */
export function partText({ dimension, name, othersCount }: Part): string {
  return othersCount === undefined ? `${dimension} ${name}` : countedText(othersCount, `other ${dimension}`);
}

/** Busiest consumers, and sites, that are parts of their own. */
const BUSIEST = 6;
/** Where the busiest together have less than this share, what is true of them says nothing of the traffic, and none is told of. */
const BUSIEST_SHARE_MIN = 0.1;
/** Where one operation, site or consumer has more than this share, all rows are taken to be alike. */
const ALIKE_SHARE = 0.999;

/** Part numbers by operation code, and by site and consumer id plus one (0 = absent); -1 where the dimension has one part only. */
export interface Partition {
  readonly parts: readonly Part[];
  /** Of the demands, those that are writes or deletes: none, where these are no demands. */
  readonly changeCount: number;
  readonly ofOp: Int16Array;
  readonly ofSite: Int16Array;
  readonly ofConsumer: Int16Array;
}

/** One pass over the trace: finds the busiest, and leaves out dimensions in which all rows are alike. */
export async function partition(trace: Trace, writes: WritePolicy): Promise<Partition> {
  const ops = new Float64Array(operationNames.length);
  let sites = new Float64Array(16);
  const consumers = new Float64Array(trace.facts.consumerCount + 1);
  for await (const batch of trace.batches()) {
    for (let i = 0; i < batch.length; i++) {
      if (!isDemand(batch.op[i]!, writes)) continue;
      ops[batch.op[i]!]! += 1;
      consumers[batch.consumer[i]! + 1]! += 1;
      const site = batch.site[i]! + 1;
      if (site >= sites.length) {
        const larger = new Float64Array(2 * site);
        larger.set(sites);
        sites = larger;
      }
      sites[site]! += 1;
    }
  }
  const parts: Part[] = [];
  return {
    parts,
    changeCount: ops[Operation.write]! + ops[Operation.delete]!,
    ofOp: numbered('op', ops, (code) => operationNames[code]!, ops.length, parts),
    ofSite: numbered('site', sites, (id) => (id === 0 ? 'none named' : trace.sites.nameOf(id - 1)), BUSIEST, parts),
    ofConsumer: numbered(
      'consumer',
      consumers,
      (id) => (id === 0 ? 'none named' : trace.consumers.nameOf(id - 1)),
      BUSIEST,
      parts,
    ),
  };
}

/** Numbers the busiest ids one by one and all others together; appends their parts. */
function numbered(
  dimension: Dimension,
  counts: Float64Array,
  nameOf: (id: number) => string,
  busiest: number,
  parts: Part[],
): Int16Array {
  const partOf = new Int16Array(counts.length).fill(-1);
  const present = [...counts.keys()].filter((id) => counts[id]! > 0).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (present.length < 2 || counts[present[0]!]! > ALIKE_SHARE * total) return partOf;
  const named = present.slice(0, busiest);
  if (named.reduce((sum, id) => sum + counts[id]!, 0) < BUSIEST_SHARE_MIN * total) return partOf;
  for (const id of named) {
    partOf[id] = parts.length;
    parts.push({ dimension, name: nameOf(id) });
  }
  const rest = present.slice(busiest);
  for (const id of rest) partOf[id] = parts.length;
  if (rest.length > 0) parts.push({ dimension, name: `${rest.length} others`, othersCount: rest.length });
  return partOf;
}
