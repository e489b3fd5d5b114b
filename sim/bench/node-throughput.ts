/** Accesses from a producer over ZeroMQ with CURVE through the durable log to forecasts, against the same learners in one process and bare sockets. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../actors/engine/create-engine.ts';
import type { Engine } from '../../actors/engine/engine.ts';
import { Intake } from '../../actors/node/intake.ts';
import { LogFollower } from '../../actors/node/log-follower.ts';
import { frameNames } from '../../actors/node/log-frame.ts';
import { generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import { elapsedMs } from '../../engine/host/process-usage.ts';
import { LmdbLogStore } from '../../engine/state/lmdb-log-store.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Bench, Sample } from './bench.ts';
import { FarLoopLearners } from './far-loop-learners.ts';
import { FRAME_ROWS, throughputFrames } from './throughput-frames.ts';

const FRAMES = 256;
/** Appends that may wait for the log; one commit takes those that wait. */
const APPENDS_MAX = 32;
/** Bytes that may be in the log and not be learned from yet. */
const PENDING_MAX = 64 * 2 ** 20;
const KEYS = { node: generateCurveKeyPair(), producer: generateCurveKeyPair() };
const producer = fileURLToPath(new URL('./throughput-producer.js', import.meta.url));

/** Whoever learns in the end. */
type Learner = Pick<Engine, 'observe' | 'segments' | 'consumers' | 'sites' | 'config'>;

export const nodeThroughput: Bench = {
  name: 'node-throughput',
  compares:
    'accesses from a producer process over ZeroMQ tcp with CURVE through LMDB, aggregator and graph builder to forecasts, with the same learners in memory and with bare sockets',
  unit: 'accesses/s',
  better: 'higher',
  runs: 3,
  async prepare({ scale }) {
    const count = Math.max(16, Math.round(FRAMES * scale));
    const frames = throughputFrames(count);
    const batches = await decoded(frames);
    return {
      workload: `${count} batches of ${FRAME_ROWS} accesses (${Math.round(frames[0]!.length / 1024)} KiB as Arrow with their names), 100,000 segments, 1,000 consumers; timed from the first batch to the last forecast`,
      contenders: [
        {
          name: 'in process',
          does: 'aggregator, graph builder and forecaster as actors, told decoded batches with ids in memory',
          run: () => inProcess(batches, count),
        },
        {
          name: 'zeromq.js CURVE',
          does: 'PUSH in the producer, PULL here, of the package zeromq: batches arrive, nothing is done with them',
          run: () => bare(count),
        },
        {
          name: 'node path CURVE',
          does: 'the transport with CURVE, ZAP and identity; the node`s intake (LMDB, durable commits by a thread), decoding, ids, and the same learners',
          run: async () => {
            const learners = new FarLoopLearners();
            const { value } = await path(count, learnerOf(learners));
            return { value, answer: learners.answer() };
          },
        },
        {
          name: 'node path CURVE, whole engine',
          does: 'the same into the engine with its site, near loop, ghosts and traffic bound, every setting at its default',
          run: () => path(count, createEngine({ config: { mode: 'modelled', capacity: 10_000 } })),
        },
      ],
      goals: [
        { contender: 'node path CURVE', versus: 'in process', target: 0.25, aim: 0.5 },
        { contender: 'node path CURVE', versus: 'zeromq.js CURVE', target: 0.5, aim: 0.8 },
        { contender: 'node path CURVE, whole engine', versus: 'node path CURVE', target: null, aim: null },
      ],
    };
  },
};

/** The frames as batches with ids of one table, as the node gives them. */
async function decoded(frames: readonly Uint8Array[]): Promise<readonly AccessBatch[]> {
  const batches: AccessBatch[] = [];
  const follower = followerOf({
    ...frameNames(),
    config: CONFIG,
    observe: (batch) => batches.push(batch as AccessBatch),
  });
  for (const [i, bytes] of frames.entries())
    await follower.apply({ position: i * FRAME_ROWS, units: FRAME_ROWS, bytes });
  return batches;
}

const CONFIG = { segmentsMax: 10_000_000, consumersMax: 1_000_000 } as Engine['config'];

function learnerOf(learners: FarLoopLearners): Learner {
  return { ...frameNames(), config: CONFIG, observe: (batch) => learners.observe(batch as AccessBatch) };
}

function followerOf(engine: Learner): LogFollower {
  return new LogFollower({
    engine: engine as Engine,
    position: 0,
    rowsPerTurn: FRAME_ROWS,
    rowsPerCall: FRAME_ROWS,
    openRequest: () => null,
  });
}

function inProcess(batches: readonly AccessBatch[], count: number): Sample {
  const learners = new FarLoopLearners();
  const startedMs = elapsedMs();
  for (let i = 0; i < count; i++) learners.observe(batches[i]!);
  const answer = learners.answer();
  return { value: (count * FRAME_ROWS * 1000) / (elapsedMs() - startedMs), answer };
}

async function bare(count: number): Promise<Sample> {
  const { Pull } = await import('zeromq');
  const pull = new Pull({ linger: 0, curveServer: true, curveSecretKey: encodeZ85(KEYS.node.secretKey.reveal()) });
  await pull.bind('tcp://127.0.0.1:*');
  const ended = produce(true, pull.lastEndpoint!, count);
  await pull.receive();
  const startedMs = elapsedMs();
  for (let i = 1; i < count; i++) await pull.receive();
  const value = ((count - 1) * FRAME_ROWS * 1000) / (elapsedMs() - startedMs);
  await ended;
  pull.close();
  return { value };
}

async function path(count: number, learner: Learner): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-throughput-'));
  const log = await LmdbLogStore.open({ path: join(folder, 'log') });
  const follower = followerOf(learner);
  const intake = new Intake({
    log,
    apply: (entry) => follower.apply(entry),
    queueBytesMax: PENDING_MAX,
    postsMax: 1024,
    onLog: (error) => {
      if (error !== null) throw error;
    },
    onEngine: (error) => {
      throw error;
    },
    now: elapsedMs,
  });
  let startedMs = Number.NaN;
  let sequence = 0;
  let waiting = 0;
  let whenAppended: (() => void) | null = null;
  let done: () => void = () => {};
  const arrived = new Promise<void>((settle) => {
    done = settle;
  });
  // Two things can be short, and each says by itself when it no longer is: appends that wait for the log, and bytes that wait for the learners.
  const roomFor = async (bytes: number): Promise<void> => {
    while (waiting >= APPENDS_MAX) {
      await new Promise<void>((settle) => {
        whenAppended = settle;
      });
    }
    if (!intake.hasRoom(bytes)) await new Promise<void>((settle) => void intake.whenRoom(bytes, settle));
  };
  const transport = await createZeroMqTransport({
    place: 'node',
    security: {
      keys: KEYS.node,
      allowed: new AllowList(new Map([['producer', [encodeZ85(KEYS.producer.publicKey)]]])),
    },
    // The bytes go to the log as they came: its entry is a copy, and what is learned is read where it lies.
    receive: ({ from, frames }) => {
      if (sequence === 0) startedMs = elapsedMs();
      const bytes = frames[0]!;
      waiting++;
      const origin = { producer: from, sequence: sequence++ };
      if (sequence === count) done();
      void intake.append({ origin, frames: [{ units: FRAME_ROWS, bytes }] }).then(() => {
        waiting--;
        whenAppended?.();
      });
      if (waiting < APPENDS_MAX && intake.hasRoom(bytes.length)) return;
      return roomFor(bytes.length);
    },
  });
  transport.expect('producer');
  const ended = produce(false, await transport.bind('tcp://127.0.0.1:*'), count);
  await arrived;
  await intake.idle();
  const value = (count * FRAME_ROWS * 1000) / (elapsedMs() - startedMs);
  await ended;
  await transport.close({ deadlineMs: 100 });
  await log.close();
  rmSync(folder, { recursive: true, force: true });
  if (log.facts.end !== count * FRAME_ROWS) throw new Error(`${log.facts.end} accesses are in the log`);
  return { value };
}

function produce(isBare: boolean, endpoint: string, frames: number): Promise<void> {
  const order = {
    isBare,
    endpoint,
    frames,
    secretKey: encodeZ85(KEYS.producer.secretKey.reveal()),
    publicKey: encodeZ85(KEYS.producer.publicKey),
    serverKey: encodeZ85(KEYS.node.publicKey),
  };
  const child = spawn(process.execPath, [producer, JSON.stringify(order)], { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((settle, fail) =>
    child.on('close', (status) => (status === 0 ? settle() : fail(new Error(`the producer ended with ${status}`)))),
  );
}
