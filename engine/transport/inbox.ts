/** The receiving half of a link: puts what arrives in order, once, within the credit given. */

import { assert } from '../assert.ts';

/** A message that has arrived. */
export interface Incoming {
  readonly kind: string;
  readonly frames: readonly Uint8Array[];
  readonly bytes: number;
  /** The session that it came in: handling one of an earlier session gives no credit in this one. */
  readonly epoch: number;
}

export interface InboxLimits {
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** What became of an arrival. */
export type Admission = 'admitted' | 'duplicate' | 'beyond-window';

/**
 * Invariant: handled <= received <= limitSeq = handled + windowMessages; what waits in order and what came too early are
 * together within the window, in messages and in bytes, so a peer that ignores its credit cannot fill memory.
 */
export class Inbox {
  readonly #limits: InboxLimits;
  readonly #early = new Map<number, Incoming>();
  #waiting: (Incoming | undefined)[] = [];
  #head = 0;
  #epoch = 0;
  #received = 0;
  #handled = 0;
  #handledBytes = 0;
  #heldBytes = 0;
  #grantedSeq = 0;
  #grantedBytes = 0;

  constructor(limits: InboxLimits) {
    this.#limits = limits;
  }

  /** Everything up to this number has arrived. */
  get received(): number {
    return this.#received;
  }

  /** Everything up to this number has been handled. */
  get handledSeq(): number {
    return this.#handled;
  }

  get limitSeq(): number {
    return this.#handled + this.#limits.windowMessages;
  }

  get limitBytes(): number {
    return this.#handledBytes + this.#limits.windowBytes;
  }

  /** Messages held: in order and too early. */
  get size(): number {
    return this.#waiting.length - this.#head + this.#early.size;
  }

  get bytes(): number {
    return this.#heldBytes;
  }

  admit(seq: number, kind: string, frames: readonly Uint8Array[], bytes: number): Admission {
    if (seq <= this.#received || this.#early.has(seq)) return 'duplicate';
    if (seq > this.limitSeq || this.#heldBytes + bytes > this.#limits.windowBytes) return 'beyond-window';
    const message = { kind, frames, bytes, epoch: this.#epoch };
    this.#heldBytes += bytes;
    if (seq !== this.#received + 1) {
      this.#early.set(seq, message);
      return 'admitted';
    }
    this.#received++;
    this.#waiting.push(message);
    if (this.#early.size > 0) this.#closeGap();
    return 'admitted';
  }

  /** The next message in order, for its handler; `handled` must follow. Undefined when none waits. */
  take(): Incoming | undefined {
    if (this.#head === this.#waiting.length) return undefined;
    const message = this.#waiting[this.#head] as Incoming;
    this.#waiting[this.#head++] = undefined;
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Its handler is done: what it took up is credit again. */
  handled(message: Incoming): void {
    if (message.epoch !== this.#epoch) return;
    this.#handled++;
    this.#handledBytes += message.bytes;
    this.#heldBytes -= message.bytes;
    assert(this.#handled <= this.#received && this.#heldBytes >= 0, 'a message is handled once');
  }

  /** True when so much credit has come free since the last grant that the peer should know now. */
  get owesCredit(): boolean {
    const { windowMessages, windowBytes } = this.#limits;
    return (
      (this.#handled - this.#grantedSeq) * 4 >= windowMessages ||
      (this.#handledBytes - this.#grantedBytes) * 4 >= windowBytes
    );
  }

  /** A packet with the present limits is leaving. */
  granted(): void {
    this.#grantedSeq = this.#handled;
    this.#grantedBytes = this.#handledBytes;
  }

  /** Bit i says that message received + 1 + i has come early; empty when none has. At most `bitsMax` bits. */
  earlyBits(bitsMax: number): Uint8Array {
    let highest = -1;
    for (const seq of this.#early.keys()) highest = Math.max(highest, seq - this.#received - 1);
    const count = Math.min(bitsMax, highest + 1);
    const bits = new Uint8Array(Math.ceil(count / 8));
    for (const seq of this.#early.keys()) {
      const i = seq - this.#received - 1;
      if (i < count) bits[i >> 3]! |= 1 << (i & 7);
    }
    return bits;
  }

  /** The peer has restarted: what has arrived in order is still handled, what came early can never be. */
  restart(): void {
    this.#epoch++;
    this.#early.clear();
    this.#received = 0;
    this.#handled = 0;
    this.#handledBytes = 0;
    this.#heldBytes = 0;
    this.#grantedSeq = 0;
    this.#grantedBytes = 0;
  }

  #closeGap(): void {
    for (;;) {
      const next = this.#early.get(this.#received + 1);
      if (next === undefined) return;
      this.#early.delete(++this.#received);
      this.#waiting.push(next);
    }
  }
}
