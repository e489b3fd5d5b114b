/** Workloads from which nothing can be learned: the right answer to them is to stay out of the way. */

import { z } from 'zod';
import { Operation } from '../../streams/operation.ts';
import { sizeOf } from './sampling.ts';
import { EPOCH_MS, ROWS_PER_YIELD, type Workload } from './workload.ts';

const parameters = z.strictObject({
  accesses: z.number().int().min(1).default(100_000).describe('Accesses in all.'),
  segments: z
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe('Distinct segments (one-hit: ignored, every access is new).'),
  consumers: z.number().int().min(1).default(20).describe('Consumers, drawn uniformly.'),
  rate: z.number().positive().default(20).describe('Accesses a second, evenly spaced.'),
});
type Parameters = z.infer<typeof parameters>;

function workload(name: string, description: string, model: string, isOneHit: boolean): Workload<Parameters> {
  return {
    name,
    description,
    model,
    parameters,
    addressBytes: null,
    *generate(p, random, sink) {
      for (let i = 0; i < p.accesses; i++) {
        const segment = isOneHit ? i : random.int(p.segments);
        const consumer = sink.consumers.internString(`consumer-${random.int(p.consumers)}`);
        const timeMs = EPOCH_MS + Math.floor((i * 1000) / p.rate);
        sink.append(
          timeMs,
          sink.segments.internString(`x${segment}`),
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
}

export const uniform = workload(
  'uniform',
  'every access uniform over all segments: a control with nothing to predict.',
  'Each access is to a segment and by a consumer drawn uniformly and independently; access i is at i/rate seconds.',
  false,
);

export const oneHit = workload(
  'one-hit',
  'every segment is read once and never again: a control in which no cache and no prefetcher can help.',
  'Access i is to a segment never seen before, by a uniform consumer, at i/rate seconds.',
  true,
);
