/** Where prefetch requests go: the contract, and what a request says to the outside. */

import { AnteroomError } from '../../../engine/errors.ts';
import type { RereadKeys } from '../../../engine/host/key-folder.ts';

/** Stage this, by then, because: what a sink is given. */
export interface OutgoingRequest {
  /** The same for every try and after a restart: whoever fetches may use it to do so once. */
  readonly key: string;
  readonly node: string;
  readonly segment: string;
  /** Whose next access it is expected to be; null = nobody in particular. */
  readonly consumer: string | null;
  /** As last seen, or the mean. */
  readonly sizeBytes: number;
  readonly probability: number | null;
  /** The expert that asked. */
  readonly expert: string | null;
  /** Why, in a sentence. */
  readonly reason: string;
  /** Event time of the decision, ms, and log position. */
  readonly decidedAtMs: number;
  readonly position: number;
  /** Event time after which nobody waits for it. */
  readonly deadlineMs: number;
  /** Of the delivery's span, where it is traced (W3C Trace Context): whoever fetches goes on under it. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The trace of a request as headers or fields of whatever carries it; empty where it is not traced. */
export function traceFields({ traceparent, tracestate }: OutgoingRequest): Readonly<Record<string, string>> {
  if (traceparent === undefined) return {};
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}

/** How one try went. */
export type DeliveryEnd =
  /** Done; `sizeBytes` -1 = it was not told. */
  | { readonly kind: 'done'; readonly sizeBytes: number }
  /** Not done; trying again may help or not. */
  | { readonly kind: 'failed'; readonly why: string; readonly isRetryable: boolean };

/** The implementation must not reject, must end within its timeout, and must not put secrets into `why`. */
export interface Sink {
  readonly name: string;
  deliver(request: OutgoingRequest): Promise<DeliveryEnd>;
  /** Ends its connections; called once, when nothing is under way. Must not reject. */
  close?(): Promise<void>;
  /** Absent = it has no keys. */
  readonly rereadKeys?: RereadKeys;
}

/** Faults that another try cannot mend. */
const lasting: ReadonlySet<string> = new Set(['missing-library', 'bad-config', 'unsupported', 'bad-usage']);

/** The end of a try that threw. */
export function failedBy(error: unknown): DeliveryEnd {
  const why = (error instanceof Error ? error.message : String(error)).slice(0, 300);
  return { kind: 'failed', why, isRetryable: !(error instanceof AnteroomError && lasting.has(error.code)) };
}
