/** Work that follows the clock: every consumer reads its routine at its hours, day by day or week by week. */

import { z } from 'zod';
import { cosine } from '../../engine/portable-math.ts';
import type { RandomSource } from '../../engine/random.ts';
import type { AccessSink } from '../../streams/access-sink.ts';
import { Operation } from '../../streams/operation.ts';
import { instants, poisson, sizeOf, zipf } from './sampling.ts';
import { EPOCH_MS, type Workload } from './workload.ts';

const HOUR_MS = 3_600_000;
const TWO_PI = 2 * Math.PI;

const parameters = z.strictObject({
  consumers: z.number().int().min(1).default(100).describe('Consumers.'),
  days: z
    .number()
    .positive()
    .max(365_000)
    .default(7)
    .describe('Length of the trace in days, a thousand years at most.'),
  segments: z.number().int().min(24).default(5000).describe('Distinct segments.'),
  rate: z.number().positive().default(2).describe('Accesses per consumer and hour, in the mean over the period.'),
  amplitude: z.number().min(0).max(1).default(0.8).describe('Swing of the load: 1 = none at the lowest hour.'),
  peakHour: z.number().min(0).max(23).default(14).describe('Hour of day with the most load.'),
  routineShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('Share of accesses that belong to a routine due in that hour.'),
  routineLength: z.number().int().min(1).default(8).describe('Segments in a routine, always read in the same order.'),
  weekend: z.number().min(0).default(0.3).describe('Weekly only: load on Saturday and Sunday relative to weekdays.'),
});
export type SeasonalParameters = z.infer<typeof parameters>;

/** Expected accesses of all consumers in the hour that starts `hour` hours into the trace. */
export function expectedAccesses(p: SeasonalParameters, hour: number, isWeekly: boolean): number {
  const day = Math.floor(hour / 24) % 7;
  const weekday = isWeekly && day >= 5 ? p.weekend : 1;
  return p.consumers * p.rate * (1 + p.amplitude * cosine((TWO_PI * ((hour % 24) - p.peakHour)) / 24)) * weekday;
}

/** First segment of the routine of `slot` (hour of day or of week): routines are disjoint while segments suffice. */
export function routineStart(p: SeasonalParameters, slot: number): number {
  return (slot * p.routineLength) % (p.segments - p.routineLength + 1);
}

function* generate(p: SeasonalParameters, random: RandomSource, sink: AccessSink, isWeekly: boolean): Generator<void> {
  const period = isWeekly ? 168 : 24;
  const background = zipf(p.segments, 0.8);
  const hours = Math.ceil(p.days * 24);
  for (let hour = 0; hour < hours; hour++) {
    const draws = random.fork(`hour ${hour}`);
    const expected = expectedAccesses(p, hour, isWeekly);
    const start = routineStart(p, hour % period);
    // A routine is one visit that reads all its segments, a second apart; so visits are as many as accesses over its length.
    const visits = poisson((expected * p.routineShare) / p.routineLength, draws);
    const singles = poisson(expected * (1 - p.routineShare), draws);
    const rows: { timeMs: number; segment: number; consumer: number }[] = [];
    const lastStart = HOUR_MS - p.routineLength * 1000;
    for (const at of instants(visits, 0, Math.max(1, lastStart), draws)) {
      const consumer = draws.int(p.consumers);
      for (let k = 0; k < p.routineLength; k++) rows.push({ timeMs: at + k * 1000, segment: start + k, consumer });
    }
    for (const at of instants(singles, 0, HOUR_MS, draws)) {
      rows.push({ timeMs: at, segment: background.sample(draws), consumer: draws.int(p.consumers) });
    }
    rows.sort((a, b) => a.timeMs - b.timeMs);
    for (const row of rows) {
      sink.append(
        EPOCH_MS + hour * HOUR_MS + row.timeMs,
        sink.segments.internString(`report-${row.segment}`),
        sink.consumers.internString(`consumer-${row.consumer}`),
        -1,
        Operation.read,
        sizeOf(row.segment),
        1,
      );
    }
    yield;
  }
}

const shape =
  'In each hour of the trace the expected count is consumers x rate x (1 + amplitude cos(2 pi (hour of day - peakHour) / 24))';
const routine =
  "A share `routineShare` of it comes as visits to the routine that belongs to the hour: a Poisson number of visits at uniform instants, each by a uniform consumer, reading the routine's segments in order, one second apart. The rest are single accesses, Poisson, uniform in time, drawn by Zipf (0.8) over all segments.";

export const diurnal: Workload<SeasonalParameters> = {
  name: 'diurnal',
  description:
    'a load that follows the day; every hour of the day has a routine that is read in order and is cold at other hours.',
  model: `${shape}. ${routine} There is one routine for each of the 24 hours of the day.`,
  parameters,
  addressBytes: null,
  generate: (p, random, sink) => generate(p, random, sink, false),
};

export const weekly: Workload<SeasonalParameters> = {
  name: 'weekly',
  description: 'as diurnal, with quiet weekends and a routine for each of the 168 hours of the week.',
  model: `${shape}, times \`weekend\` on days 6 and 7 of each week (the trace starts on a Monday, 00:00 UTC). ${routine} There is one routine for each of the 168 hours of the week, so each is cold for a week.`,
  parameters,
  addressBytes: null,
  generate: (p, random, sink) => generate(p, random, sink, true),
};
