/** Worlds for transports: this process's event loop, and virtual time. */

import { expect } from 'vitest';
import { RealClock } from '../../engine/host/real-clock.ts';
import { immediateTurns } from '../../engine/host/turns.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { InProcessNetwork } from '../../engine/transport/in-process-carrier.ts';
import { LinkTransport } from '../../engine/transport/link-transport.ts';
import { SimulatedNetwork, type SimulatedNetworkConfig } from '../../engine/transport/simulated-network.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import type { TransportWorld } from './transport-contract.ts';

/** Time enough for anything, on a machine however busy. */
const PATIENCE_MS = 60_000;

/** Waiting in real time, the same for every transport that lives in it. */
export function realTime(clock: RealClock): Pick<TransportWorld, 'until' | 'pass' | 'settle' | 'calmMs'> {
  const pass = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, ms));
  return {
    pass,
    calmMs: 10,
    settle: (promise) => promise,
    async until(condition, what) {
      const endAt = clock.now() + PATIENCE_MS;
      while (!condition()) {
        expect(clock.now(), `in time: ${what}`).toBeLessThan(endAt);
        await pass(1);
      }
    },
  };
}

/** Nonces that differ, as text of hexadecimal digits. */
export function seededNonce(seed: number): () => string {
  const random = new Xoshiro128(seed);
  const word = (): string =>
    random
      .int(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return () => word() + word();
}

let seed = 0;

export async function inProcessWorld(): Promise<TransportWorld> {
  const clock = new RealClock();
  const network = new InProcessNetwork(immediateTurns);
  let endpoints = 0;
  return {
    ...realTime(clock),
    make: async (place, options) =>
      new LinkTransport({
        place,
        carrier: network.carrier(),
        clock,
        nonce: seededNonce(++seed),
        receive: options.receive ?? (() => {}),
        ...options,
      }),
    endpoint: () => `endpoint-${++endpoints}`,
    end: async () => {},
  };
}

export function simulatedWorld(config: Partial<SimulatedNetworkConfig>): () => Promise<TransportWorld> {
  return async () => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, random: new Xoshiro128(7), config });
    let endpoints = 0;
    let nonces = 0;
    const microtasks = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
    };
    const pass = async (ms: number): Promise<void> => {
      const until = clock.now() + ms;
      while (clock.now() < until) {
        await microtasks();
        clock.advanceTo(Math.min(until, clock.now() + 1));
      }
      await microtasks();
    };
    return {
      pass,
      calmMs: config.loss === undefined ? 10 : 2000,
      async settle(promise) {
        let isSettled = false;
        const done = promise.finally(() => {
          isSettled = true;
        });
        done.catch(() => {});
        for (let i = 0; i < 1_000_000 && !isSettled; i++) await pass(1);
        return done;
      },
      async until(condition, what) {
        for (let ms = 0; !condition(); ms++) {
          expect(ms, `in time: ${what}`).toBeLessThan(1_000_000);
          await pass(1);
        }
      },
      make: async (place, options) =>
        new LinkTransport({
          place,
          carrier: network.carrier(place),
          clock,
          nonce: seededNonce(++nonces),
          receive: options.receive ?? (() => {}),
          ...options,
        }),
      endpoint: () => `endpoint-${++endpoints}`,
      end: async () => {},
    };
  };
}
