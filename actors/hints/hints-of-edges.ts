/** From a learned graph's edges to ordered lists that another engine can start from. */

import type { Dependency, DependencyGraph } from '../graph-builder/dependency-graph.ts';
import { HINTS_MAX, type HintInput } from './hints-config.ts';

/** Which of the edges of a graph become hints. */
export interface LearnedHintsOptions {
  /** Edges at most, the strongest first. Default 1000. */
  readonly count?: number;
  /** Occurrences that an edge must rest on. Default 4. */
  readonly supportMin?: number;
  /** Default 0.3. */
  readonly confidenceMin?: number;
}

/** What a graph has learned, as hints by name. */
export function learnedHintsOf(
  graph: Pick<DependencyGraph, 'strongestEdges'>,
  nameOf: (segment: number) => string,
  options: LearnedHintsOptions = {},
): readonly HintInput[] {
  const { count = 1000, supportMin = 4, confidenceMin = 0.3 } = options;
  const edges = graph.strongestEdges(count, supportMin).filter((edge) => edge.confidence >= confidenceMin);
  return hintsOf(edges).map(({ segments, ...hint }) => ({ ...hint, segments: segments.map(nameOf) }));
}

/** A list of ids; see `Hint` for the fields. */
export interface EdgeHint {
  readonly segments: readonly number[];
  readonly isOrdered: true;
  readonly ahead: number;
  readonly probability: number;
}

/**
 * Chains: each segment is followed by the target of its strongest edge, until one repeats or there is none; each edge is in one chain. What
 * a chain leaves out becomes a list of two, as long as there are no more lists than an engine takes. The probability is the mean confidence, and `ahead` is how far the product of confidences stays
 * above one half of it. O(edges log edges).
 */
export function hintsOf(edges: readonly Dependency[]): readonly EdgeHint[] {
  const best = new Map<number, Dependency>();
  for (const edge of edges) {
    const known = best.get(edge.source);
    if (known === undefined || edge.confidence > known.confidence) best.set(edge.source, edge);
  }
  const targets = new Set([...best.values()].map((edge) => edge.target));
  // Beginnings first: a chain that starts in its middle would leave its head behind.
  const sources = [...best.keys()].sort((a, b) => Number(targets.has(a)) - Number(targets.has(b)) || a - b);
  const used = new Set<Dependency>();
  const hints: EdgeHint[] = [];
  for (const source of sources) {
    const chain: Dependency[] = [];
    const seen = new Set([source]);
    for (
      let edge = best.get(source);
      edge !== undefined && !used.has(edge) && !seen.has(edge.target);
      edge = best.get(edge.target)
    ) {
      used.add(edge);
      seen.add(edge.target);
      chain.push(edge);
    }
    if (chain.length > 0) hints.push(hintOf(chain));
  }
  for (const edge of edges) if (!used.has(edge)) hints.push(hintOf([edge]));
  return hints.slice(0, HINTS_MAX);
}

function hintOf(chain: readonly Dependency[]): EdgeHint {
  const mean = chain.reduce((sum, edge) => sum + edge.confidence, 0) / chain.length;
  let ahead = 1;
  for (let product = mean * mean; product > 0.5 * mean && ahead < Math.min(16, chain.length); product *= mean) ahead++;
  return {
    segments: [chain[0]!.source, ...chain.map((edge) => edge.target)],
    isOrdered: true,
    ahead,
    probability: Math.min(1, mean),
  };
}
