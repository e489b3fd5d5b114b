/** Edges of a dependency graph, put together to chains that read like sentences. */

import type { TraceInsight } from '../replay/result.ts';

export type Dependency = TraceInsight['dependencies'][number];

/** Edges in one chain at most: four segments stand side by side on a page. */
const CHAIN_LENGTH_MAX = 3;

/**
 * Every edge in exactly one chain. From the strongest edge that is left, a chain grows forwards along the strongest edge left
 * that starts where it ends, then backwards in the same way; no chain visits a segment twice. O(edges^2): a figure has few.
 */
export function chainsOf(edges: readonly Dependency[], lengthMax = CHAIN_LENGTH_MAX): Dependency[][] {
  const left = [...edges];
  const chains: Dependency[][] = [];
  while (left.length > 0) {
    const first = left.shift()!;
    const chain = [first];
    const visited = new Set([first.from, first.to]);
    for (;;) {
      if (chain.length === lengthMax) break;
      const end = chain[chain.length - 1]!.to;
      const forwards = left.findIndex((edge) => edge.from === end && !visited.has(edge.to));
      if (forwards >= 0) {
        const edge = left.splice(forwards, 1)[0]!;
        visited.add(edge.to);
        chain.push(edge);
        continue;
      }
      const backwards = left.findIndex((edge) => edge.to === chain[0]!.from && !visited.has(edge.from));
      if (backwards < 0) break;
      const edge = left.splice(backwards, 1)[0]!;
      visited.add(edge.from);
      chain.unshift(edge);
    }
    chains.push(chain);
  }
  return chains;
}
