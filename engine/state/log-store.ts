/** The durable log of a node, as a port: batches go in once each, get a position, and are read again in order. */

/** One batch as bytes that only its writer understands. */
export interface LogFrame {
  /** How many units (accesses) the frame stands for, at least 1; positions count these. */
  readonly units: number;
  readonly bytes: Uint8Array;
}

/** Who sent frames, and as the how-manieth: what makes a repetition harmless. */
export interface LogOrigin {
  /** Letters, digits and `._:@/-`, 1 to 200 characters. */
  readonly producer: string;
  /** A whole number from 0 that the producer gives to one batch and to its repetitions only. Gaps and disorder are allowed. */
  readonly sequence: number;
}

/** Frames that are appended together or not at all. */
export interface LogAppend {
  /** Null = nothing is known of the sender, so a repetition cannot be told. */
  readonly origin: LogOrigin | null;
  readonly frames: readonly LogFrame[];
}

/** What became of an append. */
export type LogReceipt =
  /** Durable; positions [from, to) are its own. */
  | { readonly kind: 'appended'; readonly from: number; readonly to: number }
  /** Its origin was appended before; nothing was done. */
  | { readonly kind: 'duplicate' }
  /**
   * Not appended. `stale-sequence`: so far behind the producer's latest that it cannot be told from a repetition.
   * `producers`: as many producers as may be are remembered, and the log still holds entries of each.
   */
  | { readonly kind: 'refused'; readonly reason: 'stale-sequence' | 'producers' };

/** A frame as it was appended. */
export interface LogEntry {
  /** Units before it in the log. */
  readonly position: number;
  readonly units: number;
  readonly bytes: Uint8Array;
}

/** What a log holds. */
export interface LogFacts {
  /** Position of the oldest unit that is kept, and after the newest. */
  readonly start: number;
  readonly end: number;
  readonly entryCount: number;
  readonly bytes: number;
  readonly producerCount: number;
  /** Producers forgotten so far to make room for others. */
  readonly producersForgotten: number;
}

/**
 * An append-only log.
 *
 * The implementation must: resolve `append` only when what it says is true after a crash; append each origin once; keep the order
 * of the list; check every entry on reading and throw 'corrupt' rather than leave one out.
 * The caller guarantees one writer at a time, and that `append` is not called before the call before it has settled.
 */
export interface LogStore {
  readonly facts: LogFacts;
  /** One receipt for each, in order. @throws AnteroomError 'disk-full' or 'io': then nothing of the list was appended. */
  append(appends: readonly LogAppend[]): Promise<readonly LogReceipt[]>;
  /**
   * Whether an append of `bytes` would succeed now: resolves when as much was written durably and removed. Positions do not change.
   * As with `append`, one call at a time. @throws AnteroomError 'disk-full' or 'io' as `append` would.
   */
  probe(bytes: number): Promise<void>;
  /**
   * Entries from the one that holds `position` to the end as it is when it is reached.
   * @throws AnteroomError 'not-found' where `position` was trimmed or lies beyond the end, 'corrupt' for a damaged or missing entry.
   */
  read(position: number): AsyncIterable<LogEntry>;
  /** Forgets entries that end at or before `position`. Producers are remembered. */
  trim(position: number): Promise<void>;
  close(): Promise<void>;
}
