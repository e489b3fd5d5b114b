/** One life of a simulated process: its clock, its end of the network, and its transport, which stop together. */

import type { Clock } from '../../engine/clock.ts';
import type { RandomSource } from '../../engine/random.ts';
import { LinkTransport } from '../../engine/transport/link-transport.ts';
import type { SimulatedNetwork } from '../../engine/transport/simulated-network.ts';
import type { ArrivalHandler } from '../../engine/transport/transport.ts';
import { ProcessCarrier } from './process-carrier.ts';
import { ProcessClock, type WallClock } from './process-clock.ts';

/** Small, so that bounds are met: credit of `windowMessages`, and longer heartbeats than by default, which cost time. */
export const transportLimits = {
  messageBytesMax: 4096,
  queueMessagesMax: 32,
  queueBytesMax: 65_536,
  windowMessages: 8,
  windowBytes: 16_384,
  retransmitMs: 200,
  retransmitMaxMs: 2000,
  heartbeatMs: 4000,
  downAfterMs: 12_000,
} as const;

const WIDE_WINDOW = 64;

export class PlaceProcess {
  readonly clock: ProcessClock;
  readonly transport: LinkTransport;
  readonly #carrier: ProcessCarrier;
  isAlive = true;
  isPaused = false;

  constructor(options: {
    readonly place: string;
    readonly clock: Clock;
    /** Of the machine that it runs on. */
    readonly wall: WallClock;
    readonly isClockFollowing?: boolean;
    /** A planted bug: it tells its peers of more room than its limits have. */
    readonly hasWideWindow?: boolean;
    readonly network: SimulatedNetwork;
    /** Of this life alone: nonces are drawn from it. */
    readonly random: RandomSource;
    readonly receive: ArrivalHandler;
  }) {
    this.clock = new ProcessClock(options.clock, options.wall, options.isClockFollowing);
    this.#carrier = new ProcessCarrier(options.network.carrier(options.place));
    const { random } = options;
    const hex = (): string =>
      random
        .int(2 ** 32)
        .toString(16)
        .padStart(8, '0');
    this.transport = new LinkTransport({
      place: options.place,
      carrier: this.#carrier,
      clock: this.clock,
      nonce: () => hex() + hex() + hex() + hex(),
      config: options.hasWideWindow === true ? { ...transportLimits, windowMessages: WIDE_WINDOW } : transportLimits,
      receive: options.receive,
    });
  }

  pause(): void {
    this.isPaused = true;
    this.clock.pause();
    this.#carrier.pause();
  }

  resume(): void {
    if (!this.isAlive) return;
    this.isPaused = false;
    this.clock.resume();
    this.#carrier.resume();
  }

  /** As kill -9: nothing is said to anybody, nothing of it runs any more. */
  kill(): void {
    this.isAlive = false;
    this.clock.kill();
    this.#carrier.kill();
  }
}
