/** Worlds for transports over ZeroMQ: tcp on the loopback interface and ipc, with and without keys. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import type { CurveSecurity } from '../../engine/transport/zeromq-carrier.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { freePorts } from '../free-ports.ts';
import type { TransportWorld } from './transport-contract.ts';
import { realTime } from './transport-worlds.ts';

/** Keys for any place, each allowed to every other. `elsewhere` is another name for `hub`. */
export function sharedKeys(): (place: string) => CurveSecurity {
  const names = [
    'a',
    'b',
    'stuck',
    'quick',
    'hub',
    'slow',
    'other',
    'first',
    'second',
    'third',
    'lost',
    'site',
    'centre',
  ];
  const pairs = new Map(names.map((name) => [name, generateCurveKeyPair()]));
  pairs.set('elsewhere', pairs.get('hub')!);
  const allowed = new AllowList(new Map([...pairs].map(([name, pair]) => [name, [encodeZ85(pair.publicKey)]])));
  return (place) => ({ keys: pairs.get(place)!, allowed });
}

export function zeroMqWorld(protocol: 'tcp' | 'ipc', isSecured: boolean): () => Promise<TransportWorld> {
  return async () => {
    const clock = new RealClock();
    const folder = protocol === 'ipc' ? mkdtempSync(join(tmpdir(), 'anteroom-ipc-')) : null;
    const ports = protocol === 'tcp' ? await freePorts(4) : [];
    const keysOf = isSecured ? sharedKeys() : undefined;
    let endpoints = 0;
    return {
      ...realTime(clock),
      calmMs: 25,
      make: (place, options) =>
        createZeroMqTransport({
          place,
          security: keysOf?.(place) ?? null,
          zeroMq: { reconnectMs: 20, reconnectMaxMs: 200 },
          receive: options.receive ?? (() => {}),
          ...options,
        }),
      endpoint: () => (folder === null ? `tcp://127.0.0.1:${ports[endpoints++]}` : `ipc://${folder}/${++endpoints}`),
      end: async () => {
        if (folder !== null) rmSync(folder, { recursive: true, force: true });
      },
    };
  };
}
