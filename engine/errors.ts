/** The one error class for operating faults: what went wrong, where, and whether trying again can help. */

/** Stable codes that scripts and callers may match on; messages may change, codes may not. */
export type ErrorCode =
  | 'bad-usage'
  | 'bad-config'
  | 'bad-record'
  | 'truncated'
  | 'unknown-format'
  | 'not-found'
  | 'io'
  | 'limit'
  | 'mailbox-full'
  | 'actor-stopped'
  | 'restart-budget'
  | 'missing-library'
  | 'corrupt'
  | 'disk-full'
  | 'unavailable'
  | 'unauthorised'
  | 'forbidden'
  | 'unsupported';

/** Where and what: values that help a person find the place. Kept flat so that it can be logged as it is. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null>>;

/** An operating fault. A programmer's fault is an `InvariantError` instead. */
export class AnteroomError extends Error {
  override readonly name = 'AnteroomError';
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly isRetryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly context?: ErrorContext; readonly isRetryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.context = options.context ?? {};
    this.isRetryable = options.isRetryable ?? false;
  }
}
