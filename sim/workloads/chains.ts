/** Consumers that walk a graph with known probabilities: the truth that a dependency graph should find. */

import { z } from 'zod';
import { assert } from '../../engine/assert.ts';
import type { RandomSource } from '../../engine/random.ts';
import { Operation } from '../../streams/operation.ts';
import { sizeOf } from './sampling.ts';
import { EPOCH_MS, ROWS_PER_YIELD, type Workload } from './workload.ts';

const parameters = z.strictObject({
  accesses: z.number().int().min(1).default(200_000).describe('Accesses in all.'),
  segments: z.number().int().min(8).default(5000).describe('Distinct segments.'),
  consumers: z.number().int().min(1).default(40).describe('Walkers; whose turn it is, is drawn uniformly.'),
  first: z.number().min(0).max(1).default(0.7).describe('Probability of the likeliest successor.'),
  second: z.number().min(0).max(1).default(0.15).describe('Probability of the second successor.'),
  rate: z.number().positive().default(50).describe('Accesses a second, evenly spaced.'),
});
export type ChainParameters = z.infer<typeof parameters>;

/** The two successors of each segment: `successor[2 s]` is the likeliest, `successor[2 s + 1]` the second. */
export function chainSuccessors(p: ChainParameters, random: RandomSource): Uint32Array {
  const draws = random.fork('graph');
  const successor = new Uint32Array(2 * p.segments);
  for (let segment = 0; segment < p.segments; segment++) {
    // Three different segments, so that no step repeats its item and the two probabilities stay apart.
    const first = (segment + 1 + draws.int(p.segments - 1)) % p.segments;
    let second = first;
    while (second === first || second === segment) second = draws.int(p.segments);
    successor[2 * segment] = first;
    successor[2 * segment + 1] = second;
  }
  return successor;
}

export const chains: Workload<ChainParameters> = {
  name: 'chains',
  description:
    'walkers on a random graph: from each segment one successor with P = first, another with P = second, else a jump.',
  model:
    'A graph is drawn: each segment has two successors, drawn uniformly, different from it and from each other. At each access a walker is drawn uniformly; from its segment it goes to the first successor with probability `first`, to the second with `second`, and otherwise to a uniform segment. Access i is at i/rate seconds. P(next = likeliest successor | segment, walker) is therefore first + (1 - first - second) / segments, whatever came before.',
  parameters: parameters.refine((p) => p.first + p.second <= 1, 'first + second must not exceed 1'),
  addressBytes: null,
  *generate(p, random, sink) {
    assert(p.first + p.second <= 1, 'probabilities of successors add up to at most 1');
    const successor = chainSuccessors(p, random);
    const draws = random.fork('walk');
    const at = new Uint32Array(p.consumers);
    for (let c = 0; c < p.consumers; c++) at[c] = draws.int(p.segments);
    for (let i = 0; i < p.accesses; i++) {
      const walker = draws.int(p.consumers);
      const u = draws.next();
      const from = at[walker]!;
      let to = draws.int(p.segments);
      if (u < p.first) to = successor[2 * from]!;
      else if (u < p.first + p.second) to = successor[2 * from + 1]!;
      at[walker] = to;
      sink.append(
        EPOCH_MS + Math.floor((i * 1000) / p.rate),
        sink.segments.internString(`node-${to}`),
        sink.consumers.internString(`walker-${walker}`),
        -1,
        Operation.read,
        sizeOf(to),
        1,
      );
      if (i % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) yield;
    }
  },
};
