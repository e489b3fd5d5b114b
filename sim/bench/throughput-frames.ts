/** Batches of accesses as a producer of the throughput bench sends them: frames of the node's log, made from a seed. */

import { accessFrame, frameNames } from '../../actors/node/log-frame.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

/** Rows of one batch, as the node's intake cuts them. */
export const FRAME_ROWS = 8192;
const SEGMENTS = 100_000;
const CONSUMERS = 1000;

/** Accesses a millisecond apart: two thirds follow a consumer's own chain through the segments, the rest are drawn with a bias to few. */
export function throughputFrames(count: number): readonly Uint8Array[] {
  const random = new Xoshiro128(11);
  const encoder = new TextEncoder();
  const places = new Uint32Array(CONSUMERS);
  return Array.from({ length: count }, (_, frame) => {
    const names = frameNames();
    const columns = {
      timeMs: new Float64Array(FRAME_ROWS),
      segment: new Uint32Array(FRAME_ROWS),
      consumer: new Int32Array(FRAME_ROWS),
      site: new Int32Array(FRAME_ROWS).fill(-1),
      op: new Uint8Array(FRAME_ROWS),
      size: new Float64Array(FRAME_ROWS),
      weight: new Float64Array(FRAME_ROWS).fill(1),
    };
    for (let i = 0; i < FRAME_ROWS; i++) {
      const consumer = random.int(CONSUMERS);
      const draw = random.next();
      const segment =
        random.int(3) < 2 ? (places[consumer]! + 1) % SEGMENTS : Math.floor(draw * draw * draw * SEGMENTS);
      places[consumer] = segment;
      const name = encoder.encode(`/data/set-${segment % 97}/object-${segment}`);
      columns.timeMs[i] = 1.7e12 + frame * FRAME_ROWS + i;
      columns.segment[i] = names.segments.internBytes(name, 0, name.length);
      columns.consumer[i] = names.consumers.internString(`consumer-${consumer}`);
      columns.size[i] = 1000 + (segment % 5000);
    }
    return accessFrame(new AccessBatch(0, columns), names).bytes;
  });
}
