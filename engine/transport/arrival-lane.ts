/** Messages of one place for one actor: they wait for its mailbox, and their number is bounded by credit. */

import type { ActorRef } from '../actor.ts';

export class ArrivalLane {
  readonly #ref: ActorRef<unknown>;
  readonly #credit: number;
  readonly #grant: (limit: number) => void;
  readonly #stopped: () => void;
  #waiting: unknown[] = [];
  #taken = 0;
  #granted: number;
  #isWaiting = false;

  constructor(options: {
    readonly ref: ActorRef<unknown>;
    readonly credit: number;
    /** Tells the sender up to which number it may send. */
    readonly grant: (limit: number) => void;
    /** Tells the sender that the actor is gone. */
    readonly stopped: () => void;
  }) {
    this.#ref = options.ref;
    this.#credit = options.credit;
    this.#grant = options.grant;
    this.#stopped = options.stopped;
    this.#granted = options.credit;
  }

  /**
   * False for a sender that ignores its credit. Twice the credit is let in, since after a restart of this place a sender counts from
   * the start while what it had not sent to the former life still comes.
   */
  get hasRoom(): boolean {
    return this.#taken + this.#waiting.length < this.#granted + this.#credit;
  }

  /** The caller has seen that there is room. */
  add(message: unknown): void {
    this.#waiting.push(message);
    this.#pump();
  }

  /** One that could not be read took up credit all the same. */
  skip(): void {
    this.#took();
  }

  #pump(): void {
    if (this.#isWaiting) return;
    let next = 0;
    for (; next < this.#waiting.length; next++) {
      const delivery = this.#ref.tell(this.#waiting[next]);
      if (delivery === 'full') {
        this.#isWaiting = true;
        void this.#ref.ready().then(() => {
          this.#isWaiting = false;
          this.#pump();
        });
        break;
      }
      if (delivery === 'stopped') this.#stopped();
      this.#took();
    }
    this.#waiting = next === this.#waiting.length ? [] : this.#waiting.slice(next);
  }

  #took(): void {
    this.#taken++;
    if ((this.#taken + this.#credit - this.#granted) * 2 < this.#credit) return;
    this.#granted = this.#taken + this.#credit;
    this.#grant(this.#granted);
  }
}
