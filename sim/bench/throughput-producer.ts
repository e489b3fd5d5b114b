/** The producer of the throughput bench as a process: pushes frames over ZeroMQ with CURVE, bare or through the transport, and ends. */

import { curveKeyPairOf, SecretKey } from '../../engine/host/curve-keys.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { decodeZ85 } from '../../engine/transport/z85.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { throughputFrames } from './throughput-frames.ts';

interface Order {
  readonly isBare: boolean;
  readonly endpoint: string;
  readonly frames: number;
  /** Z85. */
  readonly secretKey: string;
  readonly publicKey: string;
  readonly serverKey: string;
}

const order = JSON.parse(process.argv[2]!) as Order;
const frames = throughputFrames(order.frames);
if (order.isBare) {
  const { Push } = await import('zeromq');
  const push = new Push({
    linger: 60_000,
    curveServerKey: order.serverKey,
    curvePublicKey: order.publicKey,
    curveSecretKey: order.secretKey,
  });
  push.connect(order.endpoint);
  for (const frame of frames) await push.send(Buffer.from(frame.buffer, frame.byteOffset, frame.length));
  push.close();
} else {
  const transport = await createZeroMqTransport({
    place: 'producer',
    security: {
      keys: curveKeyPairOf(new SecretKey(decodeZ85(order.secretKey)!)),
      allowed: new AllowList(new Map([['node', [order.serverKey]]])),
    },
    receive: () => {},
  });
  await transport.connect('node', order.endpoint);
  for (const frame of frames) {
    while (transport.send('node', 'accesses', [frame]) !== 'accepted') await transport.ready('node');
  }
  await transport.close({ deadlineMs: 60_000 });
}
