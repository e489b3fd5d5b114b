/** Where accesses come from besides HTTP: the contract of a source. */

import type { RereadKeys } from '../../../engine/host/key-folder.ts';
import type { RedriveEnd } from './letter-desk.ts';
import type { SourceLetter } from './source-letters.ts';

/**
 * `idle` not started, `connecting`, `running`, `paused` for want of room or by order, `degraded` with a named trouble and trying again,
 * `halted` at a message that may not be passed over, `stopped`.
 */
export type SourceState = 'idle' | 'connecting' | 'running' | 'paused' | 'degraded' | 'halted' | 'stopped';

export interface SourceCounts {
  /** Messages that came, repeated ones included; of a followed file its chunks. */
  readonly messages: number;
  /** Accesses that are in the log by this source since the start. */
  readonly accesses: number;
  /** Messages that were in the log already. */
  readonly duplicates: number;
  /** Messages with a bad record. None of their accesses was taken (of a followed file: the bad lines). */
  readonly bad: number;
  /** Dead letters that had to go to make room. */
  readonly deadLettersDropped: number;
  /** Dead letters that were taken at another try. */
  readonly redriven: number;
  /** Messages told to the broker as settled. */
  readonly acknowledged: number;
  /** Connections that broke or could not be made. */
  readonly failures: number;
  /** Times that it waited for room. */
  readonly pauses: number;
}

/** What a source says of itself. */
export interface SourceStatus {
  readonly name: string;
  readonly type: string;
  readonly state: SourceState;
  /** Why it is degraded or halted; null = nothing is wrong. */
  readonly trouble: string | null;
  readonly counts: SourceCounts;
  /** By lane (stream, partition, file): what the log has everything up to. */
  readonly positions: Readonly<Record<string, string>>;
  /** Peers and messages that were refused for who sent them, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** The latest of them: reason and who; null = none since the start. */
  readonly latestRefused: string | null;
}

/**
 * The implementation must: append before it acknowledges; make a repetition harmless; go on after a restart where it stood; never throw
 * out of `start`, but be degraded and try again; hold no more than its settings say; read nothing further while there is no room.
 */
export interface Source {
  readonly name: string;
  readonly status: SourceStatus;
  start(): void;
  /** Reads nothing further until `resume`; what is in hand goes on. */
  pause(): void;
  resume(): void;
  /** Reads nothing further, lets the append under way end and be acknowledged, and closes. */
  stop(): Promise<void>;
  /** Tries one of its dead letters once more. Never rejects. Absent = it has none. */
  redrive?(letter: SourceLetter): Promise<RedriveEnd>;
  /** Absent = it has no keys. */
  readonly rereadKeys?: RereadKeys | undefined;
}
