/** The reference of an actor in this process. */

import type { ActorRef, Delivery } from './actor.ts';

/** What a local reference leads to. */
export interface Inbox<M> {
  tell(message: M): Delivery;
  ready(): Promise<void>;
}

/** Stays valid when the actor is restarted, and when it is gone: what is told then is a counted dead letter. */
export class LocalRef<M> implements ActorRef<M> {
  readonly address: string;
  readonly #inbox: Inbox<M>;

  constructor(address: string, inbox: Inbox<M>) {
    this.address = address;
    this.#inbox = inbox;
  }

  tell(message: M): Delivery {
    return this.#inbox.tell(message);
  }

  ready(): Promise<void> {
    return this.#inbox.ready();
  }
}
