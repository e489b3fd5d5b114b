/** What passes between a replay and the threads that make some of its runs. */

import { Ledger } from '../../actors/cache-manager/ledger.ts';
import { AnteroomError, type ErrorCode, type ErrorContext } from '../../engine/errors.ts';
import { type SavedFields, StateLoader, StateSaver } from '../../engine/state-fields.ts';
import type { SharedSpool } from '../../streams/spool.ts';
import type { PlannedRun } from './plan-runs.ts';
import type { RunContext, RunRecord } from './run.ts';
import { sliceLengthOf } from './run-site.ts';
import type { TraceFacts } from './trace.ts';

/** What a thread is told once. */
export interface RunThreadData {
  readonly facts: TraceFacts;
  readonly rows: SharedSpool;
  readonly context: Pick<RunContext, 'latency' | 'writes' | 'warmup' | 'seed' | 'config'>;
}

/** A run to make, by its place among the planned. */
export interface ToRunThread {
  readonly index: number;
  readonly run: PlannedRun;
}

/** A record without what cannot be sent: the ledger as its fields. */
export type SentRecord = Omit<RunRecord, 'run' | 'ledger'> & { readonly ledger: SavedFields };

/** What was thrown, so that it can be thrown again elsewhere. */
export interface SentError {
  readonly message: string;
  /** Null where it was no AnteroomError. */
  readonly code: ErrorCode | null;
  readonly context: ErrorContext;
  readonly isRetryable: boolean;
}

export type FromRunThread =
  | { readonly kind: 'progress'; readonly index: number; readonly accesses: number }
  | { readonly kind: 'made'; readonly index: number; readonly record: SentRecord }
  | { readonly kind: 'failed'; readonly index: number; readonly error: SentError };

export function toSentRecord({ run: _run, ledger, ...rest }: RunRecord): SentRecord {
  const saver = new StateSaver();
  ledger.persist(saver);
  return { ...rest, ledger: saver.finish() };
}

/** The record as the thread had it; `warmup` and `facts` as it was told. */
export function fromSentRecord(
  sent: SentRecord,
  run: PlannedRun,
  { facts, warmup }: { readonly facts: TraceFacts; readonly warmup: number },
): RunRecord {
  const ledger = new Ledger({ warmup, sliceLength: sliceLengthOf(facts) });
  const loader = new StateLoader(sent.ledger, false);
  ledger.persist(loader);
  loader.finish();
  return { ...sent, run, ledger };
}

export function toSentError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof AnteroomError)) return { message, code: null, context: {}, isRetryable: false };
  return { message, code: error.code, context: error.context, isRetryable: error.isRetryable };
}

export function fromSentError({ message, code, context, isRetryable }: SentError): Error {
  return code === null ? new Error(message) : new AnteroomError(code, message, { context, isRetryable });
}
