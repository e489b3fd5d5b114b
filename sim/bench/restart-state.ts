/** A node's data folder with the state of many segments: accesses through its own log, a checkpoint, and some after it. */

import { AnteroomNode } from '../../actors/node/anteroom-node.ts';
import { openStores } from '../../actors/node/data-folder.ts';
import { accessFrame, frameNames } from '../../actors/node/log-frame.ts';
import type { NodeConfig } from '../../actors/node/node-config.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import type { LogFrame } from '../../engine/state/log-store.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

const ROWS = 8192;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Each of the segments is accessed once, then `tail` of them again after the checkpoint. Everything is acknowledged and told when it resolves. */
export async function buildState(options: {
  readonly config: NodeConfig;
  readonly segments: number;
  readonly tail: number;
}): Promise<void> {
  const { config, segments, tail } = options;
  const node = new AnteroomNode({
    config,
    stores: await openStores(config),
    clock: new RealClock(),
    random: new Xoshiro128(1),
    logger: silent,
  });
  await node.start();
  const push = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += ROWS) {
      await node.intake.append({ origin: null, frames: [frameOf(at, Math.min(to, at + ROWS), segments)] });
      await node.intake.idle();
    }
  };
  // Two checkpoints, so that the log was trimmed to what the older of them needs.
  const before = Math.max(0, segments - ROWS);
  await push(0, before);
  await node.checkpoint();
  await push(before, segments);
  await node.checkpoint();
  await push(segments, segments + tail);
}

function frameOf(from: number, to: number, segments: number): LogFrame {
  const names = frameNames();
  const encoder = new TextEncoder();
  const length = to - from;
  const columns = {
    timeMs: new Float64Array(length),
    segment: new Uint32Array(length),
    consumer: new Int32Array(length),
    site: new Int32Array(length).fill(-1),
    op: new Uint8Array(length),
    size: new Float64Array(length).fill(1000),
    weight: new Float64Array(length).fill(1),
  };
  for (let i = 0; i < length; i++) {
    const n = (from + i) % segments;
    const name = encoder.encode(`/data/region-${n % 97}/object-${n}`);
    columns.timeMs[i] = 1.7e12 + from + i;
    columns.segment[i] = names.segments.internBytes(name, 0, name.length);
    columns.consumer[i] = names.consumers.internString(`consumer-${n % 1000}`);
  }
  return accessFrame(new AccessBatch(0, columns), names);
}
