/** The reference of an actor in another place. */

import type { ActorRef, Delivery } from '../actor.ts';
import { InvariantError } from '../assert.ts';
import { Mailbox, type MailboxConfig } from '../mailbox.ts';
import type { EncodedMessage, MessageCodec } from './message-codec.ts';
import type { SendVerdict } from './transport.ts';

/** What a remote reference needs of its gateway. */
export interface RemoteRoute {
  send(kind: string, frames: readonly Uint8Array[]): SendVerdict;
  ready(): Promise<void>;
  /** A message that will never arrive, and why. */
  buried(
    message: unknown,
    reason: 'dropped-oldest' | 'dropped-newest' | 'mailbox-full' | 'too-large' | 'unencodable' | 'stopped',
  ): void;
}

/**
 * Tells like a local reference: what the actor's lane has credit for leaves at once, the rest waits in a mailbox here whose
 * policy gives the verdict. So `accepted` means what it means locally, that the message is kept; a `full` comes back when the actor, the
 * network or its place is too slow, and `ready` follows when there is room.
 */
export class RemoteRef<M> implements ActorRef<M> {
  readonly address: string;
  readonly #name: string;
  readonly #codec: MessageCodec<M>;
  readonly #route: RemoteRoute;
  readonly #mailbox: Mailbox<M>;
  readonly #laneCredit: number;
  #next: EncodedMessage | undefined;
  #nextMessage: M | undefined;
  #sent = 0;
  #limit: number;
  #isStopped = false;
  #isWaiting = false;

  constructor(options: {
    readonly place: string;
    readonly name: string;
    readonly codec: MessageCodec<M>;
    readonly route: RemoteRoute;
    readonly mailbox: MailboxConfig;
    readonly laneCredit: number;
  }) {
    this.address = `${options.place}:${options.name}`;
    this.#name = options.name;
    this.#codec = options.codec;
    this.#route = options.route;
    this.#mailbox = new Mailbox(options.mailbox, (message, reason) => options.route.buried(message, reason));
    this.#laneCredit = options.laneCredit;
    this.#limit = options.laneCredit;
  }

  tell(message: M): Delivery {
    if (this.#isStopped) {
      this.#route.buried(message, 'stopped');
      return 'stopped';
    }
    const delivery = this.#mailbox.offer(message);
    this.#pump();
    return delivery;
  }

  ready(): Promise<void> {
    return this.#isStopped ? Promise.resolve() : this.#mailbox.ready();
  }

  /** The actor's place takes messages up to the number `limit`. */
  grant(limit: number): void {
    this.#limit = Math.max(this.#limit, Math.min(limit, this.#sent + this.#laneCredit));
    this.#pump();
  }

  /** The place has restarted and counts from the start. */
  restart(): void {
    this.#sent = 0;
    this.#limit = this.#laneCredit;
    this.#isStopped = false;
    this.#pump();
  }

  /** The actor is gone, or the transport is: what waits is buried. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#next !== undefined) this.#route.buried(this.#nextMessage, 'stopped');
    this.#next = undefined;
    this.#nextMessage = undefined;
    while (this.#mailbox.size > 0) this.#route.buried(this.#mailbox.take(), 'stopped');
    this.#mailbox.releaseWaiters();
  }

  #pump(): void {
    while (!this.#isWaiting && !this.#isStopped && this.#sent < this.#limit) {
      if (this.#next === undefined && !this.#encodeNext()) return;
      const { kind, frames } = this.#next!;
      const verdict = this.#route.send(`tell ${this.#name} ${kind}`, frames);
      if (verdict === 'full') {
        this.#isWaiting = true;
        void this.#route.ready().then(() => {
          this.#isWaiting = false;
          this.#pump();
        });
        return;
      }
      if (verdict === 'closed' || verdict === 'unknown-place') {
        this.stop();
        return;
      }
      if (verdict === 'too-large') this.#route.buried(this.#nextMessage, 'too-large');
      else this.#sent++;
      this.#next = undefined;
      this.#nextMessage = undefined;
    }
  }

  /** False when nothing waits. */
  #encodeNext(): boolean {
    while (this.#mailbox.size > 0) {
      const message = this.#mailbox.take();
      try {
        this.#next = this.#codec.encode(message);
        this.#nextMessage = message;
        return true;
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        this.#route.buried(message, 'unencodable');
      }
    }
    return false;
  }
}
