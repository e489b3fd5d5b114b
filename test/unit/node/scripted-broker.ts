/** A broker that does what a test tells it to. */

import type { BrokerConnection, BrokerMessage, LanePositions, Settled } from '../../../actors/node/sources/broker.ts';
import { type Broker, compareNumbers } from '../../../actors/node/sources/broker.ts';

export class ScriptedBroker implements Broker {
  /** What `next` gives, one batch a call; then nothing. Unsettled ones come again after a connect. */
  readonly batches: BrokerMessage[][] = [];
  readonly settled: Settled[] = [];
  /** Thrown by the next connects and fetches, one each. */
  readonly connectFaults: unknown[] = [];
  readonly fetchFaults: unknown[] = [];
  connects = 0;
  closes = 0;
  keepAlives = 0;
  /** Never answers a fetch. */
  isSilent = false;
  onConnect: (positions: LanePositions) => Promise<void> = async () => {};

  compare(a: string, b: string): number {
    return compareNumbers(a, b);
  }

  async connect(positions: LanePositions): Promise<BrokerConnection> {
    this.connects++;
    if (this.connectFaults.length > 0) throw this.connectFaults.shift();
    await this.onConnect(positions);
    return {
      next: async () => {
        if (this.fetchFaults.length > 0) throw this.fetchFaults.shift();
        if (this.isSilent) return new Promise(() => {});
        await new Promise((done) => setTimeout(done, 2));
        return this.batches.shift() ?? [];
      },
      settle: async (settled) => void this.settled.push(...settled),
      keepAlive: async () => void this.keepAlives++,
      close: async () => void this.closes++,
    };
  }
}

export function messageAt(position: number, segment: string, lane = 'lane'): BrokerMessage {
  const bytes = new TextEncoder().encode(JSON.stringify({ time: 1000, segment, consumer: 'c', size: 1 }));
  return { lane, position: String(position), origin: null, bytes, format: null, fault: null, handle: null };
}
