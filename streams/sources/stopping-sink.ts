/** A sink that stops its reader at the row limit, so that nothing past it is looked at, whatever the chunks. */

import type { AccessBatchBuilder } from '../access-batch-builder.ts';
import type { AccessSink, RecordPlace } from '../access-sink.ts';
import type { NameInterner } from '../name-table.ts';
import type { OperationCode } from '../operation.ts';

const LIMIT_REACHED = Symbol('limit reached');

/**
 * Passes everything to a builder and throws out of the reader after the last row that the builder takes. Without it a decoder
 * would go on to the end of its chunk, and intern names of rows that are not counted.
 */
export class StoppingSink implements AccessSink {
  readonly #builder: AccessBatchBuilder;
  readonly segments: NameInterner;
  readonly consumers: NameInterner;
  readonly sites: NameInterner;

  constructor(builder: AccessBatchBuilder) {
    this.#builder = builder;
    this.segments = builder.segments;
    this.consumers = builder.consumers;
    this.sites = builder.sites;
  }

  append(
    timeMs: number,
    segment: number,
    consumer: number,
    site: number,
    op: OperationCode,
    size: number,
    weight: number,
  ): void {
    this.#builder.append(timeMs, segment, consumer, site, op, size, weight);
    if (this.#builder.isDone) throw LIMIT_REACHED;
  }

  reject(place: RecordPlace, expected: string, found: string): void {
    this.#builder.reject(place, expected, found);
  }

  skip(reason: string): void {
    this.#builder.skip(reason);
  }

  leaveOut(columns: readonly string[]): void {
    this.#builder.leaveOut(columns);
  }

  truncated(place: RecordPlace, expected: string): void {
    this.#builder.truncated(place, expected);
  }
}

/** Runs `push`; true when a stopping sink ended it. */
export function endsAtLimit(push: () => void): boolean {
  try {
    push();
    return false;
  } catch (error) {
    if (isLimitReached(error)) return true;
    throw error;
  }
}

/** Whether `error` is what a stopping sink throws. */
export function isLimitReached(error: unknown): boolean {
  return error === LIMIT_REACHED;
}
