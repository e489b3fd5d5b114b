/** Which place each actor of a pipeline lives in. */

import { z } from 'zod';
import { PLACE } from '../../engine/transport/introduction.ts';

const place = (what: string) =>
  z.string().regex(PLACE, 'expected the name of a place').default('centre').describe(`Place of ${what}.`);

export const placementSchema = z
  .strictObject({
    source: place('who reads the log and leads the others through it'),
    'cache-manager': place('the site'),
    aggregator: place('the access map'),
    'graph-builder': place('the dependency graph'),
    'seasonal-predictor': place('the seasonal profiles'),
    'interval-predictor': place('the spacing of accesses, where it is enabled'),
    forecaster: place('who mixes what the experts expect'),
    scheduler: place('who plans'),
  })
  .describe('Where the actors of a pipeline live; what they decide does not depend on it.');

export type Placement = z.output<typeof placementSchema>;
export type PlacedActor = keyof Placement;

/** Actors of the far loop, in the order in which states of them are kept. */
export const farActorNames = [
  'aggregator',
  'graph-builder',
  'seasonal-predictor',
  'interval-predictor',
  'forecaster',
  'scheduler',
] as const satisfies readonly PlacedActor[];
