/** Batches over ZeroMQ tcp: through the transport, with its order, credit and acknowledgement, against bare sockets. */

import type { Pull, Push } from 'zeromq';
import { assert } from '../../engine/assert.ts';
import { curveKeyPairOf, generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import { elapsedMs } from '../../engine/host/process-usage.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import type { CurveSecurity } from '../../engine/transport/zeromq-carrier.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import type { Bench, Contender, Sample } from './bench.ts';

const BATCHES = 20_000;
/** 2048 rows of 41 bytes, as access batches are at the far loop's pace, is somewhat more. */
const BATCH_BYTES = 65_536;
const ENDPOINT = 'tcp://127.0.0.1:*';
/** A server of ours is where the address is known; both ends have keys of their own. */
const KEYS = { site: generateCurveKeyPair(), centre: generateCurveKeyPair() };

export const zeroMqBatches: Bench = {
  name: 'zeromq-batches',
  compares:
    'batches of 64 KiB over ZeroMQ tcp through the transport, with and without CURVE, with bare PUSH and PULL sockets',
  unit: 'batches/s',
  better: 'higher',
  async prepare({ scale }) {
    const count = Math.max(20, Math.round(BATCHES * scale));
    const frame = Uint8Array.from({ length: BATCH_BYTES }, (_, i) => (i * 131) & 255);
    const raw = (isSecured: boolean) => (): Promise<Sample> => runRaw(count, Buffer.from(frame), isSecured);
    const ours = (isSecured: boolean) => (): Promise<Sample> => runTransport(count, frame, isSecured);
    const contenders: Contender[] = [
      {
        name: 'anteroom',
        does: 'LinkTransport over DEALER and ROUTER: exactly once in order, credits, bounded queues; sends when there is room',
        run: ours(false),
      },
      {
        name: 'zeromq.js',
        does: 'PUSH and PULL of the package zeromq, both ends in this process as with the others, default high-water marks',
        run: raw(false),
      },
      { name: 'anteroom CURVE', does: 'the same with CURVE, ZAP handler and proved identity', run: ours(true) },
      { name: 'zeromq.js CURVE', does: 'PUSH and PULL with CURVE, no ZAP handler', run: raw(true) },
    ];
    return {
      workload: `${count} batches of ${BATCH_BYTES} bytes, one frame each, over tcp on the loopback interface; timed from the first send to the last arrival`,
      contenders,
      goals: [
        { contender: 'anteroom', versus: 'zeromq.js', target: 0.7, aim: 0.9 },
        { contender: 'anteroom CURVE', versus: 'zeromq.js CURVE', target: 0.5, aim: 0.9 },
        { contender: 'anteroom CURVE', versus: 'anteroom', target: null, aim: null },
      ],
    };
  },
};

async function runRaw(count: number, frame: Buffer, isSecured: boolean): Promise<Sample> {
  const { Context, Pull, Push } = await import('zeromq');
  const text = (key: Uint8Array): string => encodeZ85(key);
  const { site, centre } = KEYS;
  const server = { curveServer: true, curveSecretKey: text(centre.secretKey.reveal()) };
  const client = {
    curveServerKey: text(centre.publicKey),
    curvePublicKey: text(site.publicKey),
    curveSecretKey: text(site.secretKey.reveal()),
  };
  // Contexts of their own, as the two ends of the transport have.
  const pull: Pull = new Pull({ context: new Context(), linger: 0, ...(isSecured ? server : {}) });
  const push: Push = new Push({ context: new Context(), linger: 0, ...(isSecured ? client : {}) });
  await pull.bind(ENDPOINT);
  push.connect(pull.lastEndpoint!);
  await push.send('ready');
  await pull.receive();
  const startedMs = elapsedMs();
  let bytes = 0;
  const receiving = (async () => {
    for (let i = 0; i < count; i++) {
      const [batch] = await pull.receive();
      bytes += batch!.length;
    }
  })();
  for (let i = 0; i < count; i++) await push.send(frame);
  await receiving;
  const value = (count * 1000) / (elapsedMs() - startedMs);
  push.close();
  pull.close();
  return { value, answer: String(bytes) };
}

async function runTransport(count: number, frame: Uint8Array, isSecured: boolean): Promise<Sample> {
  const allowed = new AllowList(
    new Map(Object.entries(KEYS).map(([place, { publicKey }]) => [place, [encodeZ85(publicKey)]])),
  );
  const securityOf = (place: keyof typeof KEYS): CurveSecurity | null =>
    isSecured ? { keys: curveKeyPairOf(KEYS[place].secretKey), allowed } : null;
  let bytes = 0;
  let arrived = 0;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const centre = await createZeroMqTransport({
    place: 'centre',
    security: securityOf('centre'),
    receive: ({ frames }) => {
      bytes += frames[0]!.length;
      if (++arrived === count) done();
    },
  });
  const site = await createZeroMqTransport({ place: 'site', security: securityOf('site'), receive: () => {} });
  await site.connect('centre', await centre.bind(ENDPOINT));
  const { eventLoopRound } = await import('../../engine/host/turns.ts');
  while (!site.isUp('centre')) await eventLoopRound();
  const frames = [frame];
  const startedMs = elapsedMs();
  for (let i = 0; i < count; ) {
    if (site.send('centre', 'batch', frames) === 'accepted') i++;
    else await site.ready('centre');
  }
  await all;
  const value = (count * 1000) / (elapsedMs() - startedMs);
  const { retransmitted } = site.counts();
  await Promise.all([site.close({ deadlineMs: 1000 }), centre.close({ deadlineMs: 0 })]);
  assert(retransmitted === 0, `${retransmitted} batches were sent again`);
  return { value, answer: String(bytes) };
}
