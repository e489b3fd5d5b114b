/** A trace as the columns that `bench:next` scores. */

import { Trace } from '../replay/trace.ts';
import type { NextTrace } from './next-score.ts';

/** Reads a trace of any format to its end, into memory: 16 bytes an access. */
export async function readNextTrace(path: string): Promise<NextTrace> {
  const trace = await Trace.open(path, { seed: 1, addressBytes: null });
  const { accessCount } = trace.facts;
  const segment = new Int32Array(accessCount);
  const consumer = new Int32Array(accessCount);
  const timeMs = new Float64Array(accessCount);
  for await (const batch of trace.batches()) {
    for (let i = 0; i < batch.length; i++) {
      segment[batch.position + i] = batch.segment[i]!;
      consumer[batch.position + i] = batch.consumer[i]!;
      timeMs[batch.position + i] = batch.timeMs[i]!;
    }
  }
  await trace.close();
  return { segment, consumer, timeMs };
}
