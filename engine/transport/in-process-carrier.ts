/** Carries packets between places of one process, by reference. */

import { AnteroomError } from '../errors.ts';
import type { TurnScheduler } from '../turns.ts';
import type { Carrier, CarrierSink, Route } from './carrier.ts';

/** One end of a connection. */
interface End {
  readonly carrier: InProcessCarrier;
  readonly route: Route;
}

/** The process's own network: endpoints by name. Nothing is lost, repeated or reordered on it, and nothing leaves it. */
export class InProcessNetwork {
  readonly #turns: TurnScheduler;
  readonly #endpoints = new Map<string, InProcessCarrier>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #routeCount = 0;

  constructor(turns: TurnScheduler) {
    this.#turns = turns;
  }

  /** A carrier for one place. */
  carrier(): InProcessCarrier {
    return new InProcessCarrier(this);
  }

  nextRoute(): Route {
    return `in-process:${++this.#routeCount}`;
  }

  schedule(run: () => void): void {
    this.#turns.schedule(run);
  }

  bind(endpoint: string, carrier: InProcessCarrier): void {
    if (this.#endpoints.has(endpoint)) {
      throw new AnteroomError('io', `${endpoint} is bound already in this process`, { context: { endpoint } });
    }
    this.#endpoints.set(endpoint, carrier);
    for (const run of this.#waiting.get(endpoint) ?? []) this.schedule(run);
  }

  unbind(endpoint: string): void {
    this.#endpoints.delete(endpoint);
  }

  at(endpoint: string): InProcessCarrier | undefined {
    return this.#endpoints.get(endpoint);
  }

  /** Runs `run` whenever somebody binds the endpoint, until the function returned is called. */
  whenBound(endpoint: string, run: () => void): () => void {
    const waiting = this.#waiting.get(endpoint) ?? new Set();
    this.#waiting.set(endpoint, waiting.add(run));
    return () => {
      waiting.delete(run);
      if (waiting.size === 0) this.#waiting.delete(endpoint);
    };
  }
}

/** Packets wait in one queue for the next turn, so no sender runs inside a receiver; links bound the queue by their credit. */
class InProcessCarrier implements Carrier {
  readonly #network: InProcessNetwork;
  readonly #peers = new Map<Route, End>();
  readonly #endpoints: string[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  #sink: CarrierSink | undefined;
  #arrived: { readonly route: Route; readonly frames: readonly Uint8Array[] }[] = [];
  #isScheduled = false;
  #isClosed = false;

  constructor(network: InProcessNetwork) {
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
    const join = (): void => {
      const other = this.#network.at(endpoint);
      if (other === undefined || this.#isClosed) return;
      const theirs = this.#network.nextRoute();
      this.#peers.set(route, { carrier: other, route: theirs });
      other.#peers.set(theirs, { carrier: this, route });
      this.#sink?.routeUp(route);
    };
    this.#unsubscribe.push(this.#network.whenBound(endpoint, join));
    this.#network.schedule(join);
    return route;
  }

  send(route: Route, frames: readonly Uint8Array[]): void {
    const end = this.#peers.get(route);
    if (end === undefined) this.#sink?.dropped(route);
    else end.carrier.#take(end.route, frames);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const endpoint of this.#endpoints) this.#network.unbind(endpoint);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const { carrier, route } of this.#peers.values()) carrier.#lost(route);
    this.#peers.clear();
    this.#arrived = [];
  }

  #take(route: Route, frames: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    this.#arrived.push({ route, frames });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#network.schedule(() => this.#deliver());
  }

  #deliver(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#isScheduled = false;
    for (const { route, frames } of arrived) if (!this.#isClosed) this.#sink?.packet(route, frames);
  }

  #lost(route: Route): void {
    // After what is still on its way: the other side's last words count.
    this.#network.schedule(() => {
      this.#peers.delete(route);
      if (!this.#isClosed) this.#sink?.routeDown(route);
    });
  }
}
