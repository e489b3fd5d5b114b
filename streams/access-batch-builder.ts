/** Rows in, batches out: the sink of every reader, which keeps time monotonic and accounts for what it refused. */

import { assert } from '../engine/assert.ts';
import { AnteroomError, type ErrorCode } from '../engine/errors.ts';
import { printable } from '../engine/printable.ts';
import { AccessBatch, isTime } from './access-batch.ts';
import type { AccessRows } from './access-rows.ts';
import type { AccessSink, RecordPlace, SourceSummary } from './access-sink.ts';
import { Interner } from './interner.ts';
import type { NameInterner } from './name-table.ts';
import type { OperationCode } from './operation.ts';

/** What a builder is built from. */
export interface AccessBatchBuilderOptions {
  /** Name of the input, for errors. */
  readonly file: string;
  /** Rows of a full batch. Default 32768: measured as the size from which batches cost nothing. */
  readonly rowsMax?: number;
  /** Count bad records and go on, instead of throwing at the first. Default false. */
  readonly isLenient?: boolean;
  /** Stop after this many accesses; what comes later is neither read nor refused. Default: no limit. */
  readonly limit?: number;
  /** Log position of the first row. Default 0. */
  readonly position?: number;
  /** A time after it is kept as it is and moves no later one up: whoever takes the batches leaves such rows out. Default: none. */
  readonly timeMsMax?: number;
  /** Where names go; own tables by default. Share them to give several inputs one id space. */
  readonly segments?: NameInterner;
  readonly consumers?: NameInterner;
  readonly sites?: NameInterner;
}

/** Rejections listed by a summary. */
const REJECTIONS_LISTED_MAX = 10;
/** Characters of what was found that an error shows. */
export const FOUND_LENGTH_MAX = 80;

/**
 * Builds access batches by appending rows.
 *
 * A decoder may append more rows than one batch holds between two takes: full batches wait in order, so the caller takes all
 * of them after each chunk of input and memory stays within one chunk's rows. After `limit` accesses every call is ignored,
 * so that results do not depend on how the input was cut into chunks.
 */
export class AccessBatchBuilder implements AccessSink {
  readonly file: string;
  readonly segments: NameInterner;
  readonly consumers: NameInterner;
  readonly sites: NameInterner;
  readonly #rowsMax: number;
  readonly #isLenient: boolean;
  readonly #limit: number;
  readonly #timeMsMax: number;
  readonly #full: AccessBatch[] = [];
  #position: number;
  #timeMs!: Float64Array;
  #segment!: Uint32Array;
  #consumer!: Int32Array;
  #site!: Int32Array;
  #op!: Uint8Array;
  #size!: Float64Array;
  #weight!: Float64Array;
  #row = 0;
  /** Rows at which the open batch is closed: `rowsMax`, or less when the limit comes first; 0 when done. */
  #rowEnd = 0;
  #sealedCount = 0;
  #latestMs = Number.NEGATIVE_INFINITY;
  #clampedTimeCount = 0;
  #hasSize = false;
  #hasConsumer = false;
  #rejectedCount = 0;
  readonly #rejections: string[] = [];
  readonly #skipped = new Map<string, number>();
  #leftOut: readonly string[] = [];

  constructor(options: AccessBatchBuilderOptions) {
    this.file = options.file;
    this.#rowsMax = options.rowsMax ?? 32768;
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY;
    this.#isLenient = options.isLenient ?? false;
    this.#timeMsMax = options.timeMsMax ?? Number.POSITIVE_INFINITY;
    this.#position = options.position ?? 0;
    assert(Number.isInteger(this.#rowsMax) && this.#rowsMax >= 1, `rowsMax ${this.#rowsMax} is not a count of rows`);
    assert(this.#limit >= 0, `limit ${this.#limit} is negative`);
    this.segments = options.segments ?? new Interner();
    this.consumers = options.consumers ?? new Interner({ countHint: 16 });
    this.sites = options.sites ?? new Interner({ countHint: 16 });
    this.#open();
  }

  /** The limit was reached: the reader may stop, nothing more is taken. */
  get isDone(): boolean {
    return this.#rowEnd === 0;
  }

  /** A full batch waits to be taken. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  /** Accesses appended so far. */
  get accessCount(): number {
    return this.#sealedCount + this.#row;
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
    const row = this.#row;
    if (row >= this.#rowEnd) return; // done
    let at = timeMs;
    if (at > this.#latestMs) {
      assert(isTime(at), 'a time is in range or NaN');
      if (at <= this.#timeMsMax) this.#latestMs = at;
    } else if (at < this.#latestMs) {
      this.#clampedTimeCount++;
      at = this.#latestMs;
    } else assert(at !== Number.NEGATIVE_INFINITY, 'a time is in range or NaN');
    assert(segment >= 0, 'every access names a segment');
    if (size >= 0) this.#hasSize = true;
    if (consumer >= 0) this.#hasConsumer = true;
    this.#timeMs[row] = at;
    this.#segment[row] = segment;
    this.#consumer[row] = consumer;
    this.#site[row] = site;
    this.#op[row] = op;
    this.#size[row] = size;
    this.#weight[row] = weight;
    this.#row = row + 1;
    if (row + 1 === this.#rowEnd) this.#seal();
  }

  appendRows(rows: AccessRows, count: number): void {
    for (let from = 0; from < count && !this.isDone; ) {
      const to = Math.min(count, from + this.#rowEnd - this.#row);
      this.#take(rows, from, to);
      from = to;
    }
  }

  /** Rows [from, to), at least one, which the open batch has room for. */
  #take(rows: AccessRows, from: number, to: number): void {
    const row = this.#row;
    const times = this.#timeMs;
    const timeMsMax = this.#timeMsMax;
    let latestMs = this.#latestMs;
    let clampedCount = 0;
    for (let i = from, at = row; i < to; i++, at++) {
      const timeMs = rows.timeMs[i]!;
      if (timeMs < latestMs) clampedCount++;
      else if (timeMs > latestMs) {
        assert(isTime(timeMs), 'a time is in range or NaN');
        if (timeMs <= timeMsMax) latestMs = timeMs;
      } else assert(timeMs !== Number.NEGATIVE_INFINITY, 'a time is in range or NaN');
      times[at] = Math.max(timeMs, latestMs);
    }
    this.#latestMs = latestMs;
    this.#clampedTimeCount += clampedCount;
    for (let i = from; i < to && !(this.#hasSize && this.#hasConsumer); i++) {
      if (rows.size[i]! >= 0) this.#hasSize = true;
      if (rows.consumer[i]! >= 0) this.#hasConsumer = true;
    }
    this.#segment.set(rows.segment.subarray(from, to), row);
    this.#consumer.set(rows.consumer.subarray(from, to), row);
    this.#site.set(rows.site.subarray(from, to), row);
    this.#op.set(rows.op.subarray(from, to), row);
    this.#size.set(rows.size.subarray(from, to), row);
    this.#weight.set(rows.weight.subarray(from, to), row);
    this.#row = row + to - from;
    if (this.#row === this.#rowEnd) this.#seal();
  }

  reject(place: RecordPlace, expected: string, found: string): void {
    this.#refuse('bad-record', place, `expected ${expected}, found ${printable(found, FOUND_LENGTH_MAX)}`);
  }

  truncated(place: RecordPlace, expected: string): void {
    this.#refuse('truncated', place, `expected ${expected}, found the end of the input`);
  }

  skip(reason: string): void {
    if (this.isDone) return;
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1);
  }

  /** The oldest full batch, or null. */
  takeFull(): AccessBatch | null {
    return this.#full.shift() ?? null;
  }

  /** All that is left as one batch, full or not, or null; call it when `takeFull` gives null and the input has ended. */
  takeRest(): AccessBatch | null {
    const full = this.#full.shift();
    if (full !== undefined) return full;
    if (this.#row === 0) return null;
    this.#seal();
    return this.#full.shift() ?? null;
  }

  summary(): SourceSummary {
    return {
      accessCount: this.accessCount,
      rejectedCount: this.#rejectedCount,
      rejections: [...this.#rejections],
      skipped: new Map(this.#skipped),
      clampedTimeCount: this.#clampedTimeCount,
      hasTime: this.#latestMs !== Number.NEGATIVE_INFINITY,
      hasSize: this.#hasSize,
      hasConsumer: this.#hasConsumer,
      leftOut: this.#leftOut,
    };
  }

  leaveOut(columns: readonly string[]): void {
    this.#leftOut = columns;
  }

  /** New columns: a batch that was taken is immutable, so they are never reused. */
  #open(): void {
    const rows = Math.min(this.#rowsMax, this.#limit - this.#sealedCount);
    this.#row = 0;
    this.#rowEnd = rows;
    this.#timeMs = new Float64Array(rows);
    this.#segment = new Uint32Array(rows);
    this.#consumer = new Int32Array(rows);
    this.#site = new Int32Array(rows);
    this.#op = new Uint8Array(rows);
    this.#size = new Float64Array(rows);
    this.#weight = new Float64Array(rows);
  }

  #seal(): void {
    const rows = this.#row;
    const batch = new AccessBatch(this.#position, {
      timeMs: this.#timeMs,
      segment: this.#segment,
      consumer: this.#consumer,
      site: this.#site,
      op: this.#op,
      size: this.#size,
      weight: this.#weight,
    }).slice(0, rows);
    this.#full.push(batch);
    this.#position += rows;
    this.#sealedCount += rows;
    this.#open();
  }

  #refuse(code: ErrorCode, place: RecordPlace, problem: string): void {
    if (this.isDone) return;
    const line = `${placeText(this.file, place)}: ${problem}`;
    if (!this.#isLenient)
      throw new AnteroomError(code, line, {
        context: { file: this.file, line: place.line ?? null, byte: place.byte ?? null, column: place.column ?? null },
      });
    this.#rejectedCount++;
    if (this.#rejections.length < REJECTIONS_LISTED_MAX) this.#rejections.push(line);
  }
}

/** `file:line:column`, as compilers write it, or `file: byte N`. */
function placeText(file: string, place: RecordPlace): string {
  if (place.line !== undefined)
    return place.column === undefined ? `${file}:${place.line}` : `${file}:${place.line}:${place.column}`;
  return place.byte === undefined ? file : `${file}: byte ${place.byte}`;
}
