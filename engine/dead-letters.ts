/** Where messages end that no actor handled: the last few are kept, all are counted by reason and by address. */

import { assert, InvariantError } from './assert.ts';

/**
 * Why a message was not handled. `dropped-oldest`, `dropped-newest` and `mailbox-full` (policy `fail`, or a timer of the
 * actor itself) are the mailbox's bound; `fault` = its handling threw; `stopped` = it came to, or waited in, an actor that
 * was stopping; `failed` = the same for one that was given up; `stop-deadline` = it was still waiting, or being handled,
 * when the time for an ordered stop ran out.
 */
export type DeadLetterReason =
  | 'dropped-oldest'
  | 'dropped-newest'
  | 'mailbox-full'
  | 'fault'
  | 'stopped'
  | 'failed'
  | 'stop-deadline';

/** One message that was not handled. */
export interface DeadLetter {
  readonly address: string;
  readonly reason: DeadLetterReason;
  readonly message: unknown;
  /** The system's time, in ms. */
  readonly at: number;
}

/** Under which letters are counted once `addressesMax` addresses have counters of their own. */
export const OTHER_ADDRESSES = '(other)';

/** Limits of {@link DeadLetters}. */
export interface DeadLettersOptions {
  /** Letters kept for inspection; older ones are forgotten, their counts are not. */
  readonly keptMax: number;
  /** Addresses counted one by one; the rest share {@link OTHER_ADDRESSES}. */
  readonly addressesMax: number;
  /** Told when a subscriber broke an invariant, so that whoever drives the system can throw it; `tell` never does. */
  readonly onInvariantBroken?: (error: InvariantError) => void;
}

/** The dead letters of one actor system. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #kept: (DeadLetter | undefined)[];
  readonly #byReason = new Map<DeadLetterReason, number>();
  readonly #byAddress = new Map<string, number>();
  readonly #listeners = new Set<(letter: DeadLetter) => void>();
  #count = 0;
  #listenerFaultCount = 0;

  constructor(options: DeadLettersOptions) {
    assert(Number.isInteger(options.keptMax) && options.keptMax >= 0, 'keptMax is an integer >= 0');
    assert(Number.isInteger(options.addressesMax) && options.addressesMax >= 0, 'addressesMax is an integer >= 0');
    this.#options = options;
    this.#kept = [];
  }

  /** All letters so far, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** Subscribers that threw; each is unsubscribed when it does. */
  get listenerFaultCount(): number {
    return this.#listenerFaultCount;
  }

  /** Counts a letter, keeps it and tells the subscribers. */
  add(letter: DeadLetter): void {
    if (this.#options.keptMax > 0) this.#kept[this.#count % this.#options.keptMax] = letter;
    this.#count++;
    this.#byReason.set(letter.reason, (this.#byReason.get(letter.reason) ?? 0) + 1);
    const hasCounter = this.#byAddress.has(letter.address) || this.#byAddress.size < this.#options.addressesMax;
    const address = hasCounter ? letter.address : OTHER_ADDRESSES;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    for (const listener of this.#listeners) this.#notify(listener, letter);
  }

  /** The letters kept, oldest first. */
  last(): readonly DeadLetter[] {
    const start = this.#count > this.#kept.length ? this.#count % this.#kept.length : 0;
    return [...this.#kept.slice(start), ...this.#kept.slice(0, start)] as DeadLetter[];
  }

  /** Letters of one reason. */
  countOf(reason: DeadLetterReason): number {
    return this.#byReason.get(reason) ?? 0;
  }

  /** Counts by reason, in the order in which the reasons first came. */
  byReason(): ReadonlyMap<DeadLetterReason, number> {
    return this.#byReason;
  }

  /** Counts by address, in the order in which the addresses first came. */
  byAddress(): ReadonlyMap<string, number> {
    return this.#byAddress;
  }

  /** Calls `listener` for each letter from now on, before `tell` returns. Returns the way to unsubscribe. */
  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #notify(listener: (letter: DeadLetter) => void, letter: DeadLetter): void {
    try {
      listener(letter);
    } catch (error) {
      // `tell` never throws at its caller because an onlooker did; a broken invariant is nobody's to swallow.
      this.#listeners.delete(listener);
      this.#listenerFaultCount++;
      if (error instanceof InvariantError) this.#options.onInvariantBroken?.(error);
    }
  }
}
