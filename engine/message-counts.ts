/** The account of messages: every one told is somewhere. */

/** Where an actor's messages went. told = handled + deadLetters + refused + queued + inFlight, at every moment. */
export interface MessageCounts {
  readonly told: number;
  readonly handled: number;
  /** Told but handled by nobody: drops, faults, messages to a stopping actor. */
  readonly deadLetters: number;
  /** Not taken because the mailbox blocks; the sender has them still. */
  readonly refused: number;
  readonly queued: number;
  /** Being handled by an asynchronous receive; 0 or 1 for one actor. */
  readonly inFlight: number;
}

/** Sums field by field. */
export function addCounts(a: MessageCounts, b: MessageCounts): MessageCounts {
  return {
    told: a.told + b.told,
    handled: a.handled + b.handled,
    deadLetters: a.deadLetters + b.deadLetters,
    refused: a.refused + b.refused,
    queued: a.queued + b.queued,
    inFlight: a.inFlight + b.inFlight,
  };
}
