/** Where a reader puts what it read: rows in, batches out, bad records accounted for. The contract; `AccessBatchBuilder` implements it. */

import type { AccessBatch } from './access-batch.ts';
import type { AccessRows } from './access-rows.ts';
import type { NameInterner } from './name-table.ts';
import type { OperationCode } from './operation.ts';

/** A place in the input, for errors: `line` counts from 1 in text formats, `byte` from 0 in binary ones, `column` from 1. */
export interface RecordPlace {
  readonly line?: number;
  readonly byte?: number;
  readonly column?: number;
}

/** What a reader writes to. One per opened source. */
export interface AccessSink {
  readonly segments: NameInterner;
  readonly consumers: NameInterner;
  readonly sites: NameInterner;
  /**
   * Appends one access. `timeMs` NaN = no time; a time that goes backwards is clamped to the latest and counted.
   * `consumer`, `site`: id or -1. `size`: bytes or -1. `weight`: at least 1 unless the source says otherwise.
   */
  append(
    timeMs: number,
    segment: number,
    consumer: number,
    site: number,
    op: OperationCode,
    size: number,
    weight: number,
  ): void;
  /**
   * Appends rows [0, count), as so many calls of `append` do. Left out by sinks that must see each row by itself (a limit has
   * to stop the reader after its last row): readers then append row by row.
   */
  appendRows?(rows: AccessRows, count: number): void;
  /**
   * Refuses a record. Strict: throws AnteroomError('bad-record') that names file, place, what was expected and what was found.
   * Lenient: counts it, keeps the first ten, and returns, so the reader goes on with the next record.
   */
  reject(place: RecordPlace, expected: string, found: string): void;
  /** A record that is well-formed but is not an access (a comment, a failed request); counted under `reason`. */
  skip(reason: string): void;
  /** Names of the columns of a table, or of the members of records, that are not read, in their order. The last word counts. */
  leaveOut?(columns: readonly string[]): void;
  /** The input ended inside a record: as `reject`, with code 'truncated'. */
  truncated(place: RecordPlace, expected: string): void;
}

/** What a source says when it has been read to its end (or so far). */
export interface SourceSummary {
  readonly accessCount: number;
  readonly rejectedCount: number;
  /** The first ten rejections, one line each. */
  readonly rejections: readonly string[];
  readonly skipped: ReadonlyMap<string, number>;
  readonly clampedTimeCount: number;
  readonly hasTime: boolean;
  readonly hasSize: boolean;
  readonly hasConsumer: boolean;
  /** Columns that are not read, where they have names; members that no record was read by, as paths with dots. */
  readonly leftOut: readonly string[];
}

/** A batch stream that is pulled: the reader does not run ahead of its consumer. */
export type AccessBatches = AsyncIterable<AccessBatch>;
