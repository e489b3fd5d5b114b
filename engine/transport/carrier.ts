/** What a link stands on: something that takes multi-frame packets somewhere, perhaps not at all, perhaps twice. */

/** Names one way to one peer, as long as it lasts: a connection made here, or one that somebody made to us. */
export type Route = string;

/** What a carrier tells whoever uses it. Its calls come from the carrier's own turns, never from within `send`. */
export interface CarrierSink {
  /** A packet came. On a route never seen before, if a stranger has just connected. */
  packet(route: Route, frames: readonly Uint8Array[]): void;
  /** A route made here with `connect` is usable (again): the peer behind it knows nothing of us yet. */
  routeUp(route: Route): void;
  /** A route made here broke; it is tried again by the carrier. */
  routeDown(route: Route): void;
  /** Somebody was refused before any packet of theirs: wrong key, wrong protocol. `who` is an address or a public key. */
  refused(reason: string, who: string): void;
  /** A packet given to `send` was not taken. */
  dropped(route: Route): void;
}

/** The implementation may lose, repeat and reorder packets, but not change them; the caller keeps frames unchanged. */
export interface Carrier {
  /** Called once, before anything else. */
  open(sink: CarrierSink): void;
  bind(endpoint: string): Promise<string>;
  /** Returns the route at once or soon; `routeUp` follows when there is somebody behind it. */
  connect(to: string, endpoint: string): Promise<Route>;
  /** Best effort; what is not taken is `dropped`. */
  send(route: Route, frames: readonly Uint8Array[]): void;
  /** Lets go of everything, after what was given to `send` had `lingerMs` to leave. Calls no sink afterwards. */
  close(lingerMs: number): Promise<void>;
}
