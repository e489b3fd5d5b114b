/** What a source needs of a message broker: the port that each kind of broker implements. */

import type { RereadKeys } from '../../../engine/host/key-folder.ts';
import type { LogOrigin } from '../../../engine/state/log-store.ts';

/** A message as it came. `handle` is its broker's own, to settle it with. */
export interface BrokerMessage {
  /** An ordered row of messages: a stream, a partition, or a name for all where there is no order. */
  readonly lane: string;
  /** Where it lies in its lane; later messages have greater ones. Null = the broker keeps nothing, `origin` says what it is. */
  readonly position: string | null;
  /** Of messages without a position: who sent it as the how-manieth; null = nothing tells a repetition. */
  readonly origin: LogOrigin | null;
  readonly bytes: Uint8Array;
  /** Format that the message itself names; null = as the source is configured. */
  readonly format: string | null;
  /** Why it cannot be read, where the broker's side knows already; null = it can. */
  readonly fault: string | null;
  /** Who sent it, where its key has proved that; absent = nobody in particular. */
  readonly speaker?: Speaker;
  /** Its sender may not send it, or not now: it is told so, and nothing of it is kept. Absent = it may. */
  readonly denial?: Denial;
  readonly handle: unknown;
}

/** Whose key a message came with. */
export interface Speaker {
  /** Name in the allow-list. */
  readonly place: string;
}

export interface Denial {
  /** `later`: it may come again. */
  readonly end: 'denied' | 'later';
  /** A name to count it under. */
  readonly reason: string;
  /** For its sender. */
  readonly why: string;
}

/** How a message ended. `refused` and `denied` are not to come again, `later` is. */
export interface Settled {
  readonly message: BrokerMessage;
  readonly end: 'taken' | 'duplicate' | 'refused' | 'dead-letter' | 'denied' | 'later';
  /** Accesses taken. */
  readonly accesses: number;
  /** Why it was refused; else null. */
  readonly why: string | null;
}

export interface FetchLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** How long to wait for a first message. */
  readonly waitMs: number;
}

/** What the log has of each lane, for brokers that must be told where to begin. */
export interface LanePositions {
  /** The log has everything up to here; null = nothing is known of the lane. */
  positionOf(lane: string): string | null;
  /** Says which making of the lane this is (a stream that was deleted and made again counts anew): another than before forgets the position. */
  enter(lane: string, epoch: string): Promise<void>;
  /** The lane has begun anew although its maker did not say so. */
  renew(lane: string): Promise<void>;
}

/**
 * The implementation must give the messages of a lane in order, unsettled ones again after each `connect`, and reject where the broker
 * does not answer; it need not try again.
 */
export interface BrokerConnection {
  /** It is not to be used any more although nothing is wrong: another is made at once. */
  readonly isOver?: boolean;
  next(limits: FetchLimits): Promise<readonly BrokerMessage[]>;
  settle(settled: readonly Settled[]): Promise<void>;
  /** Tells the broker that we live, while nothing is fetched. */
  keepAlive(): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface Broker {
  /** Less than 0 where position `a` comes before `b`. */
  compare(a: string, b: string): number;
  /** @throws AnteroomError 'missing-library', 'bad-config' and 'unsupported', which trying again does not help; others do. */
  connect(positions: LanePositions): Promise<BrokerConnection>;
  rereadKeys?: RereadKeys;
}

/** Compares positions that are decimal numbers, or rows of them (`1690000000000-12`). */
export function compareNumbers(a: string, b: string): number {
  const left = a.split('-');
  const right = b.split('-');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = BigInt(left[i] ?? 0);
    const y = BigInt(right[i] ?? 0);
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
