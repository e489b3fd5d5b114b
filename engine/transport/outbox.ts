/** The sending half of a link: messages in order, kept until the peer has handled them, sent as far as its credit goes. */

import type { PacketLimits } from './packet.ts';
import type { Undelivered, UndeliveredReason } from './transport.ts';

/** A message on its way out. */
export interface Outgoing {
  seq: number;
  readonly kind: string;
  readonly kindBytes: Uint8Array;
  readonly frames: readonly Uint8Array[];
  readonly bytes: number;
  /** Bytes of the session up to and with this message. */
  total: number;
}

export interface OutboxLimits {
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
}

/**
 * A queue numbered from 1 within a session of two incarnations. Invariant: acked <= received <= sent <= last, and the queue
 * holds exactly the messages acked + 1 .. last. What has arrived and is not handled is kept, for the peer may die with it. Adding, sending and acknowledging are O(1) amortised.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  #slots: (Outgoing | undefined)[] = [];
  #head = 0;
  #acked = 0;
  #received = 0;
  #sent = 0;
  #last = 0;
  #bytes = 0;
  #total = 0;
  #limitSeq = 0;
  #limitBytes = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  /** Messages held. */
  get size(): number {
    return this.#last - this.#acked;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Number of the last message that was sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Number up to which the peer has handled everything. */
  get acked(): number {
    return this.#acked;
  }

  /** Number up to which everything has arrived. */
  get received(): number {
    return this.#received;
  }

  hasRoom(bytes: number): boolean {
    return this.size < this.#limits.queueMessagesMax && this.#bytes + bytes <= this.#limits.queueBytesMax;
  }

  /** The caller has seen that there is room. */
  add(kind: string, kindBytes: Uint8Array, frames: readonly Uint8Array[], bytes: number): void {
    this.#bytes += bytes;
    this.#total += bytes;
    this.#slots.push({ seq: ++this.#last, kind, kindBytes, frames, bytes, total: this.#total });
  }

  /** The next message that the peer's credit allows, marked as sent; undefined when there is none. */
  takeSendable(): Outgoing | undefined {
    if (this.#sent === this.#last || this.#sent >= this.#limitSeq) return undefined;
    const next = this.at(this.#sent + 1);
    if (next.total > this.#limitBytes) return undefined;
    this.#sent++;
    return next;
  }

  /** A message that is still held. */
  at(seq: number): Outgoing {
    return this.#slots[this.#head + seq - this.#acked - 1] as Outgoing;
  }

  /** Drops what has been handled. False for numbers that cannot be. */
  acknowledge(received: number, handled: number): boolean {
    if (handled > received || received > this.#sent) return false;
    this.#received = Math.max(this.#received, received);
    for (; this.#acked < handled; this.#acked++) {
      this.#bytes -= this.#slots[this.#head]!.bytes;
      this.#slots[this.#head++] = undefined;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** Credit never shrinks: a packet that was overtaken by a newer one must not take any back. Returns whether it grew. */
  grant(limitSeq: number, limitBytes: number): boolean {
    const hasGrown = limitSeq > this.#limitSeq || limitBytes > this.#limitBytes;
    this.#limitSeq = Math.max(this.#limitSeq, limitSeq);
    this.#limitBytes = Math.max(this.#limitBytes, limitBytes);
    return hasGrown;
  }

  /**
   * Starts anew with a peer that has forgotten everything: what was sent and is not known to be handled is given up, for it
   * may have been; what was never sent is numbered from 1 and waits for new credit, unless the peer takes none so large.
   */
  restart(to: string, peerLimits: PacketLimits): Undelivered[] {
    const held = this.#slots.slice(this.#head) as Outgoing[];
    const givenUp = held
      .splice(0, this.#sent - this.#acked)
      .map((message) => undelivered(message, to, 'peer-restarted', true));
    const { messageBytesMax, framesMax } = peerLimits;
    const kept = held.filter((message) => {
      const fits = message.bytes <= messageBytesMax && message.frames.length <= framesMax;
      if (!fits) givenUp.push(undelivered(message, to, 'too-large', false));
      return fits;
    });
    this.#slots = kept;
    this.#head = 0;
    this.#acked = 0;
    this.#received = 0;
    this.#sent = 0;
    this.#last = kept.length;
    this.#limitSeq = 0;
    this.#limitBytes = 0;
    this.#total = 0;
    kept.forEach((message, i) => {
      this.#total += message.bytes;
      message.seq = i + 1;
      message.total = this.#total;
    });
    this.#bytes = this.#total;
    return givenUp;
  }

  /** Gives up everything. */
  clear(to: string): Undelivered[] {
    const sent = this.#sent;
    const held = this.#slots.slice(this.#head) as Outgoing[];
    this.#slots = [];
    this.#head = 0;
    this.#acked = this.#last;
    this.#received = this.#last;
    this.#sent = this.#last;
    this.#bytes = 0;
    return held.map((message) => undelivered(message, to, 'closed', message.seq <= sent));
  }
}

function undelivered(message: Outgoing, to: string, reason: UndeliveredReason, isSent: boolean): Undelivered {
  return { to, kind: message.kind, frames: message.frames, reason, isSent };
}
