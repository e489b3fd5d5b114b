/** Zipf popularity whose ranking drifts: the textbook cache workload, with change. */

import { z } from 'zod';
import type { RandomSource } from '../../engine/random.ts';
import { Operation } from '../../streams/operation.ts';
import { shuffled, sizeOf, zipf } from './sampling.ts';
import { EPOCH_MS, ROWS_PER_YIELD, type Workload } from './workload.ts';

const parameters = z.strictObject({
  accesses: z.number().int().min(1).default(200_000).describe('Accesses in all.'),
  segments: z.number().int().min(2).default(10_000).describe('Distinct segments.'),
  consumers: z.number().int().min(1).default(50).describe('Consumers; each access is by one drawn uniformly.'),
  exponent: z.number().min(0).max(3).default(0.9).describe('Zipf exponent: P(rank r) proportional to r^-exponent.'),
  driftPer1000: z.number().min(0).max(1000).default(5).describe('Pairs of ranks swapped in every 1,000 accesses.'),
  rate: z.number().positive().default(20).describe('Accesses a second, evenly spaced.'),
});

export const zipfDrift: Workload<z.infer<typeof parameters>> = {
  name: 'zipf-drift',
  description:
    'independent draws by Zipf popularity; pairs of ranks swap as time goes by. Nothing follows from anything.',
  model:
    'Access i is at i/rate seconds. Its rank is drawn with P(r) proportional to r^-exponent and looked up in a permutation of the segments; after every 1000 accesses `driftPer1000` pairs of places, drawn uniformly, swap. Consumers are drawn uniformly. Successive accesses are independent: a prefetcher can gain nothing but popularity.',
  parameters,
  addressBytes: null,
  *generate(p, random: RandomSource, sink) {
    const ranks = zipf(p.segments, p.exponent);
    const segmentAtRank = shuffled(p.segments, random.fork('ranking'));
    const draws = random.fork('draws');
    const drift = random.fork('drift');
    let owed = 0;
    for (let i = 0; i < p.accesses; i++) {
      if (i > 0 && i % 1000 === 0) {
        for (owed += p.driftPer1000; owed >= 1; owed--) {
          const a = drift.int(p.segments);
          const b = drift.int(p.segments);
          const swapped = segmentAtRank[a]!;
          segmentAtRank[a] = segmentAtRank[b]!;
          segmentAtRank[b] = swapped;
        }
      }
      const segment = segmentAtRank[ranks.sample(draws)]!;
      const consumer = sink.consumers.internString(`consumer-${draws.int(p.consumers)}`);
      const timeMs = EPOCH_MS + Math.floor((i * 1000) / p.rate);
      sink.append(
        timeMs,
        sink.segments.internString(`item-${segment}`),
        consumer,
        -1,
        Operation.read,
        sizeOf(segment),
        1,
      );
      if (i % ROWS_PER_YIELD === ROWS_PER_YIELD - 1) yield;
    }
  },
};
