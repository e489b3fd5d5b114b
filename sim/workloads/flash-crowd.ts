/** A quiet site on which, now and then, one cold page with its parts becomes hot within minutes. */

import { z } from 'zod';
import { exponential } from '../../engine/portable-math.ts';
import { Operation } from '../../streams/operation.ts';
import { instants, poisson, sizeOf, zipf } from './sampling.ts';
import { EPOCH_MS, type Workload } from './workload.ts';

const MINUTE_MS = 60_000;

const parameters = z.strictObject({
  hours: z.number().positive().default(24).describe('Length of the trace in hours.'),
  consumers: z.number().int().min(1).default(500).describe('Consumers.'),
  segments: z.number().int().min(10).default(5000).describe('Distinct segments of the quiet background, Zipf 0.8.'),
  rate: z.number().positive().default(60).describe('Background accesses a minute.'),
  crowds: z.number().int().min(0).default(6).describe('Flash crowds, spread evenly over the trace.'),
  parts: z.number().int().min(1).default(12).describe("Parts of a crowd's page, read in order after it."),
  peak: z.number().positive().default(30).describe('Visits a minute when a crowd begins.'),
  halfLife: z.number().positive().default(20).describe('Minutes in which a crowd halves.'),
});

export const flashCrowd: Workload<z.infer<typeof parameters>> = {
  name: 'flash-crowd',
  description: 'a steady background; at known instants one cold page and its parts become hot at once and fade.',
  model:
    'Minute by minute: background accesses are Poisson (rate), uniform in time, drawn by Zipf (0.8). Crowd k begins at (k + 1/2) / crowds of the trace; m minutes later its visits are Poisson with mean peak x 2^(-m / halfLife), at uniform instants, each by a uniform consumer that reads the page and then its `parts` in order, 200 ms apart. Pages of crowds are never read otherwise.',
  parameters,
  addressBytes: null,
  *generate(p, random, sink) {
    const popularity = zipf(p.segments, 0.8);
    const minutes = Math.ceil(p.hours * 60);
    // Visits reach into the next minute; what does not fit is carried there, so that time never goes backwards.
    let carried: { timeMs: number; name: string; consumer: number; size: number }[] = [];
    for (let minute = 0; minute < minutes; minute++) {
      const draws = random.fork(`minute ${minute}`);
      const rows = carried;
      for (const at of instants(poisson(p.rate, draws), minute * MINUTE_MS, MINUTE_MS, draws)) {
        const segment = popularity.sample(draws);
        rows.push({ timeMs: at, name: `page-${segment}`, consumer: draws.int(p.consumers), size: sizeOf(segment) });
      }
      for (let crowd = 0; crowd < p.crowds; crowd++) {
        const age = minute - Math.floor(((crowd + 0.5) / p.crowds) * minutes);
        const mean = age < 0 ? 0 : p.peak * exponential((-Math.LN2 * age) / p.halfLife);
        if (mean < 0.001) continue;
        for (const at of instants(poisson(mean, draws), minute * MINUTE_MS, MINUTE_MS, draws)) {
          const consumer = draws.int(p.consumers);
          for (let part = 0; part <= p.parts; part++) {
            const name = part === 0 ? `story-${crowd}` : `story-${crowd}/part-${part}`;
            rows.push({ timeMs: at + part * 200, name, consumer, size: sizeOf(p.segments + crowd * 1000 + part) });
          }
        }
      }
      rows.sort((a, b) => a.timeMs - b.timeMs);
      const end = (minute + 1) * MINUTE_MS;
      carried = [];
      for (const row of rows) {
        if (row.timeMs >= end && minute + 1 < minutes) {
          carried.push(row);
          continue;
        }
        sink.append(
          EPOCH_MS + row.timeMs,
          sink.segments.internString(row.name),
          sink.consumers.internString(`visitor-${row.consumer}`),
          -1,
          Operation.read,
          row.size,
          1,
        );
      }
      yield;
    }
  },
};
