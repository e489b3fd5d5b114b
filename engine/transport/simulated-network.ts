/** A network in virtual time that delays, loses, repeats and reorders packets, from a seed. */

import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { durationField, parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import type { RandomSource } from '../random.ts';
import type { Carrier, CarrierSink, Route } from './carrier.ts';

const share = () => z.number().min(0).max(1).default(0);

/** How a simulated network delays, loses, doubles and reorders packets. */
export const simulatedNetworkSchema = z
  .strictObject({
    delayMinMs: durationField().default(1).describe('The shortest time a packet takes.'),
    delayMaxMs: durationField()
      .default(1)
      .describe('The longest time a packet takes; packets overtake each other where it exceeds the shortest.'),
    loss: share().describe('Share of packets that never arrive.'),
    duplication: share().describe('Share of packets that arrive twice.'),
    packetsMax: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('Packets on their way at once; one more is lost, counted as overflowed.'),
  })
  .refine((c) => c.delayMinMs <= c.delayMaxMs, {
    message: 'delayMinMs may not exceed delayMaxMs',
    path: ['delayMinMs'],
  });

/** With every default filled in. */
export type SimulatedNetworkConfig = z.output<typeof simulatedNetworkSchema>;

/** What the network did to packets. */
export interface SimulatedNetworkCounts {
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Lost because their two places were apart. */
  readonly partitioned: number;
  readonly overflowed: number;
}

interface End {
  readonly carrier: SimulatedCarrier;
  readonly route: Route;
}

/** Equal seeds and equal calls give equal deliveries, in the order of the clock. */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  #config: SimulatedNetworkConfig;
  readonly #endpoints = new Map<string, SimulatedCarrier>();
  readonly #apart = new Set<string>();
  readonly #counts = { sent: 0, delivered: 0, lost: 0, duplicated: 0, partitioned: 0, overflowed: 0 };
  #underWay = 0;
  #routeCount = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly random: RandomSource;
    readonly config?: z.input<typeof simulatedNetworkSchema>;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#config = parseConfig(simulatedNetworkSchema, options.config ?? {}, 'simulated network');
  }

  /** A carrier for one place; a place that crashes and comes back has a new one. */
  carrier(place: string): SimulatedCarrier {
    return new SimulatedCarrier(place, this);
  }

  /** Changes the weather from now on. */
  configure(config: z.input<typeof simulatedNetworkSchema>): void {
    this.#config = parseConfig(simulatedNetworkSchema, config, 'simulated network');
  }

  /** Packets from one place to the other are lost from now on, those under way too; `isOneWay`: not the other direction. */
  partition(from: string, to: string, isOneWay = false): void {
    this.#apart.add(`${from}>${to}`);
    if (!isOneWay) this.#apart.add(`${to}>${from}`);
  }

  /** Ends all partitions. */
  heal(): void {
    this.#apart.clear();
  }

  counts(): SimulatedNetworkCounts {
    return { ...this.#counts };
  }

  nextRoute(): Route {
    return `simulated:${++this.#routeCount}`;
  }

  bind(endpoint: string, carrier: SimulatedCarrier): void {
    if (this.#endpoints.has(endpoint)) {
      throw new AnteroomError('io', `${endpoint} is bound already on this network`, { context: { endpoint } });
    }
    this.#endpoints.set(endpoint, carrier);
  }

  unbind(endpoint: string): void {
    this.#endpoints.delete(endpoint);
  }

  at(endpoint: string): SimulatedCarrier | undefined {
    return this.#endpoints.get(endpoint);
  }

  /** Takes a packet from one place to another; `arrive` runs once, twice or never. False when it was lost at once. */
  carry(from: string, to: string, arrive: () => void): void {
    const { loss, duplication } = this.#config;
    this.#counts.sent++;
    // One draw for each question whatever the answers, so that a changed share does not shift all that follows.
    const isLost = this.#random.next() < loss;
    const isTwice = this.#random.next() < duplication;
    if (isLost) {
      this.#counts.lost++;
      return;
    }
    this.#fly(from, to, arrive);
    if (isTwice) {
      this.#counts.duplicated++;
      this.#fly(from, to, arrive);
    }
  }

  #fly(from: string, to: string, arrive: () => void): void {
    const { delayMinMs, delayMaxMs, packetsMax } = this.#config;
    if (this.#underWay >= packetsMax) {
      this.#counts.overflowed++;
      return;
    }
    this.#underWay++;
    this.#clock.setTimeout(
      () => {
        this.#underWay--;
        if (this.#apart.has(`${from}>${to}`)) {
          this.#counts.partitioned++;
          return;
        }
        this.#counts.delivered++;
        arrive();
      },
      delayMinMs + (delayMaxMs - delayMinMs) * this.#random.next(),
    );
  }
}

/** A connection is made by the first packet that reaches the endpoint, as on a network without connections. */
class SimulatedCarrier implements Carrier {
  readonly #place: string;
  readonly #network: SimulatedNetwork;
  /** Where packets of our routes go: an endpoint of ours to find, or the end that a stranger wrote from. */
  readonly #targets = new Map<Route, string | End>();
  /** Our route for each route of a peer that has written to us. */
  readonly #known = new Map<Route, Route>();
  readonly #endpoints: string[] = [];
  #sink: CarrierSink | undefined;
  #isClosed = false;

  constructor(place: string, network: SimulatedNetwork) {
    this.#place = place;
    this.#network = network;
  }

  open(sink: CarrierSink): void {
    this.#sink = sink;
  }

  async bind(endpoint: string): Promise<string> {
    this.#network.bind(endpoint, this);
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  async connect(_to: string, endpoint: string): Promise<Route> {
    const route = this.#network.nextRoute();
    this.#targets.set(route, endpoint);
    return route;
  }

  send(route: Route, frames: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const target = this.#targets.get(route);
    const carrier = typeof target === 'string' ? this.#network.at(target) : target?.carrier;
    if (target === undefined || carrier === undefined || carrier.#isClosed) {
      this.#sink?.dropped(route);
      return;
    }
    this.#network.carry(this.#place, carrier.#place, () =>
      carrier.#take(typeof target === 'string' ? undefined : target.route, this, route, frames),
    );
  }

  /** At once, as a crash is: what is under way to others still arrives. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const endpoint of this.#endpoints) this.#network.unbind(endpoint);
  }

  #take(ours: Route | undefined, from: SimulatedCarrier, theirs: Route, frames: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const route = ours ?? this.#known.get(theirs) ?? this.#network.nextRoute();
    if (ours === undefined && !this.#known.has(theirs)) {
      this.#known.set(theirs, route);
      this.#targets.set(route, { carrier: from, route: theirs });
    }
    this.#sink?.packet(route, frames);
  }
}
