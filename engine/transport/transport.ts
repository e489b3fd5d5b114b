/** The contract of addressed messages between places, whatever carries them. */

/**
 * What became of a `send`. `accepted`: kept until the receiver has handled it, or reported as undelivered. `full`: not taken, the
 * sender keeps it and waits for `ready`. The others are refusals, each counted by its name: larger than `messageBytesMax` or
 * of more frames than `framesMax`, ours or the receiver's; a place never heard of; the transport is closing.
 */
export type SendVerdict = 'accepted' | 'full' | 'too-large' | 'unknown-place' | 'closed';

/** A message as it arrives. `frames` may share memory with the network's buffers: read them, never write to them. */
export interface Arrival {
  /** The sender's place; where keys are in use, proved by its key. */
  readonly from: string;
  readonly kind: string;
  readonly frames: readonly Uint8Array[];
}

/**
 * Handles one message. Until the promise it returns has settled, the next message of the same sender waits and no credit
 * goes back, which in time slows that sender and no other. A thrown error is counted as a handler's fault and told as an
 * event; the message counts as handled.
 */
export type ArrivalHandler = (arrival: Arrival) => void | Promise<void>;

/** Why an accepted message may not have reached its receiver. */
export type UndeliveredReason = 'peer-restarted' | 'too-large' | 'closed';

/** A message given up. With `isSent` the receiver may have handled it nevertheless. */
export interface Undelivered {
  readonly to: string;
  readonly kind: string;
  readonly frames: readonly Uint8Array[];
  readonly reason: UndeliveredReason;
  readonly isSent: boolean;
}

/** Something that happened to a peer; for life cycles, logs and metrics. `who` is a place, or an address where none is proved. */
export interface TransportEvent {
  readonly kind: 'up' | 'down' | 'restarted' | 'refused' | 'handler-fault';
  readonly who: string;
  /** The transport's clock, in ms. */
  readonly at: number;
  readonly detail: string;
}

/** Counters since the start; each refusal and loss has its own name. */
export interface TransportCounts {
  readonly sent: number;
  readonly sentBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  /** Sent again because the carrier lost it. */
  readonly retransmitted: number;
  /** Arrived again and put aside. */
  readonly duplicates: number;
  readonly full: number;
  readonly tooLarge: number;
  readonly unknownPlace: number;
  readonly closed: number;
  readonly undelivered: Readonly<Record<UndeliveredReason, number>>;
  readonly handlerFaults: number;
  /** What strangers and faulty peers sent, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Messages held now: ours that are not known to be handled, and others' that have arrived and are not handled. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Frames given to the carrier that never reached a peer, as far as the carrier said so. */
  readonly carrierDrops: number;
}

/** How an ordered close went. */
export interface CloseReport {
  /** Messages that no acknowledgement came for in time. */
  readonly undeliveredCount: number;
}

/**
 * Messages between this place and others. Promised: from one sender (one life of a place) to one receiver, messages arrive
 * exactly once and in the order in which they were accepted, whatever the carrier loses, repeats or reorders, as long as both
 * live. When a peer has restarted, what it is not known to have handled is given up and told.
 */
export interface Transport {
  readonly place: string;
  /**
   * Listens at an endpoint of the carrier's own form. Resolves to the endpoint others connect to, wildcards resolved.
   * @throws AnteroomError `bad-config` for an endpoint that must not be open, `io` when it cannot be bound
   */
  bind(endpoint: string): Promise<string>;
  /** Keeps trying to reach `to`, until close. Messages may be sent from now on; they wait for the peer. */
  connect(to: string, endpoint: string): Promise<void>;
  /** Says that `to` will connect to us: messages for it wait instead of being refused. */
  expect(to: string): void;
  /** Never throws, never waits. The frames belong to the transport from now on: their bytes must not change. */
  send(to: string, kind: string, frames: readonly Uint8Array[]): SendVerdict;
  /** Resolves when a message for `to` would be taken again, or the transport has closed. */
  ready(to: string): Promise<void>;
  /** Whether `to` is connected and has proved who it is. */
  isUp(to: string): boolean;
  /**
   * Ends the sessions of peers whose keys are no longer allowed; to be called when the allow-list has changed. Their messages wait, as for
   * a peer that is away. Returns how many it ended.
   */
  recheck(): number;
  counts(): TransportCounts;
  /** Takes no more messages, waits until all have been handled or the deadline has passed, tells peers, and lets go. */
  close(options?: { readonly deadlineMs?: number }): Promise<CloseReport>;
}
