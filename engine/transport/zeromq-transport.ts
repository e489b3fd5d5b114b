/** A transport over ZeroMQ with the host's clock, chance and cryptography. */

import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { parseConfig } from '../config.ts';
import { entropyHex } from '../host/curve-keys.ts';
import { RealClock } from '../host/real-clock.ts';
import { CurveGuard } from './curve-guard.ts';
import { LinkTransport, type LinkTransportOptions } from './link-transport.ts';
import { openGuard } from './session-guard.ts';
import type { Transport } from './transport.ts';
import { transportConfigSchema } from './transport-config.ts';
import { type CurveSecurity, ZeroMqCarrier } from './zeromq-carrier.ts';
import type { zeroMqConfigSchema } from './zeromq-config.ts';

/** What a transport over ZeroMQ is made with. */
export interface ZeroMqTransportOptions extends Omit<LinkTransportOptions, 'carrier' | 'clock' | 'nonce' | 'guard'> {
  /** Null: no keys, for connections within this machine only; endpoints beyond it are then refused. */
  readonly security: CurveSecurity | null;
  readonly zeroMq?: z.input<typeof zeroMqConfigSchema>;
  /** Default: the host's. */
  readonly clock?: Clock;
}

/**
 * Endpoints are `tcp://HOST:PORT` (port `*`: any) and `ipc://PATH`.
 * @throws AnteroomError `bad-config`, or `missing-library` where ZeroMQ cannot be loaded
 */
export async function createZeroMqTransport(options: ZeroMqTransportOptions): Promise<Transport> {
  const { security, zeroMq, ...rest } = options;
  const clock = options.clock ?? new RealClock();
  const config = parseConfig(transportConfigSchema, options.config ?? {}, `transport of ${options.place}`);
  const carrier = await ZeroMqCarrier.create({
    clock,
    security,
    messageBytesMax: config.messageBytesMax,
    ...(zeroMq === undefined ? {} : { config: zeroMq }),
  });
  return new LinkTransport({
    ...rest,
    config,
    carrier,
    clock,
    nonce: () => entropyHex(),
    guard: security === null ? openGuard : new CurveGuard(security.keys, security.allowed),
  });
}
