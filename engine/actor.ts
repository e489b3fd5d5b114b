/** The actor contract: a behaviour that handles one message at a time, and a reference that hides where it lives. */

/**
 * What became of a `tell`. Nothing is dropped without one of these being returned and counted. `full`: not taken, the
 * sender keeps it. `failed`: a dead letter, and the overflow is a fault of the actor (policy `fail`).
 */
export type Delivery = 'accepted' | 'dropped-newest' | 'dropped-oldest' | 'full' | 'failed' | 'stopped';

/** Where messages for an actor are sent. The actor may live in this process, another thread or another machine. */
export interface ActorRef<M> {
  /** Path-like address, unique in its system: `/pipeline/aggregator`. */
  readonly address: string;
  /** Puts a message into the actor's mailbox; never throws, never waits. `full` = the mailbox blocks: wait for `ready`. */
  tell(message: M): Delivery;
  /** Resolves when the mailbox has room again (at once if it has). */
  ready(): Promise<void>;
}

/** What a behaviour may use while it handles a message. */
export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  /** The system's clock, in ms. */
  now(): number;
  /** Sends `message` to self after `delayMs`; cancelled when the actor stops. Returns a cancel function. */
  after(delayMs: number, message: M): () => void;
}

/** A behaviour. A thrown error is a fault: its supervisor decides, and the message goes to the dead letters. */
export interface Actor<M> {
  receive(message: M, context: ActorContext<M>): void | Promise<void>;
  onStart?(context: ActorContext<M>): void | Promise<void>;
  onStop?(): void | Promise<void>;
}
