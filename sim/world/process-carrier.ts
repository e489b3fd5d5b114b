/** The network as one simulated process has it: packets wait while it is paused, up to a bound, and end with its life. */

import type { Carrier, CarrierSink, Route } from '../../engine/transport/carrier.ts';

/** Packets that wait for a paused process, as in a socket's buffer; more are lost. */
const BACKLOG_MAX = 256;

export class ProcessCarrier implements Carrier {
  readonly #inner: Carrier;
  #sink: CarrierSink | null = null;
  #backlog: { readonly route: Route; readonly frames: readonly Uint8Array[] }[] = [];
  #isPaused = false;
  #isDead = false;

  constructor(inner: Carrier) {
    this.#inner = inner;
  }

  open(sink: CarrierSink): void {
    this.#sink = sink;
    this.#inner.open({
      packet: (route, frames) => this.#take(route, frames),
      routeUp: (route) => this.#isDead || sink.routeUp(route),
      routeDown: (route) => this.#isDead || sink.routeDown(route),
      refused: (reason, who) => this.#isDead || sink.refused(reason, who),
      dropped: (route) => this.#isDead || sink.dropped(route),
    });
  }

  bind(endpoint: string): Promise<string> {
    return this.#inner.bind(endpoint);
  }

  connect(to: string, endpoint: string): Promise<Route> {
    return this.#inner.connect(to, endpoint);
  }

  send(route: Route, frames: readonly Uint8Array[]): void {
    if (!this.#isDead) this.#inner.send(route, frames);
  }

  close(lingerMs: number): Promise<void> {
    return this.#inner.close(lingerMs);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const { route, frames } of backlog) this.#take(route, frames);
  }

  kill(): void {
    this.#isDead = true;
    this.#backlog = [];
    void this.#inner.close(0);
  }

  #take(route: Route, frames: readonly Uint8Array[]): void {
    if (this.#isDead) return;
    if (!this.#isPaused) this.#sink!.packet(route, frames);
    else if (this.#backlog.length < BACKLOG_MAX) this.#backlog.push({ route, frames });
  }
}
