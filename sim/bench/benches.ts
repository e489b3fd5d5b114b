/** Every bench, in the order in which they run. */

import { actorTell } from './actor-tell.ts';
import { aggregate } from './aggregate.ts';
import type { Bench } from './bench.ts';
import { embedded } from './embedded.ts';
import { engineCurve } from './engine-curve.ts';
import { memory } from './memory.ts';
import { nodeThroughput } from './node-throughput.ts';
import { parseClf } from './parse-clf.ts';
import { parseCsv, parseCsvNames } from './parse-csv.ts';
import { predictorCurve } from './predictor-curve.ts';
import { replayEngine } from './replay-engine.ts';
import { replayLru, replayLruInstant } from './replay-lru.ts';
import { simSeeds } from './sim-seeds.ts';
import { startup } from './startup.ts';
import { zeroMqBatches } from './zeromq-batches.ts';

export const benches: readonly Bench[] = [
  replayLru,
  replayLruInstant,
  replayEngine,
  engineCurve,
  predictorCurve,
  embedded,
  parseCsv,
  parseCsvNames,
  parseClf,
  aggregate,
  memory,
  actorTell,
  zeroMqBatches,
  nodeThroughput,
  simSeeds,
  startup,
];
