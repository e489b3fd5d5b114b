/** Rows of a log whose names are still places in its text: interned by column and appended together. */

import { ABSENT } from '../access-batch.ts';
import { AccessRows } from '../access-rows.ts';
import type { AccessSink } from '../access-sink.ts';
import type { NameInterner } from '../name-table.ts';
import type { OperationCode } from '../operation.ts';

const ROWS_MAX = 256;

/** Whether `sink` takes rows in blocks, with names in tables of their own: in a shared one, ids come row by row. */
export function takesBlocks(sink: AccessSink): boolean {
  const { segments, consumers, sites } = sink;
  return sink.appendRows !== undefined && segments !== consumers && segments !== sites && consumers !== sites;
}

/** As `internColumn`, also of an interner that has none. */
export function internColumn(
  names: NameInterner,
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  count: number,
  ids: Int32Array,
  hashes: Int32Array | null = null,
): void {
  if (names.internColumn !== undefined) names.internColumn(bytes, starts, ends, count, ids, hashes);
  else for (let i = 0; i < count; i++) ids[i] = starts[i]! < 0 ? -1 : names.internBytes(bytes, starts[i]!, ends[i]!);
}

/**
 * Holds up to 256 rows of one text, or one at a time for a sink that takes no blocks. Whoever fills it flushes it before it
 * tells the sink anything else, and before it turns to another text.
 */
export class RowBlock {
  readonly #rows = new AccessRows(ROWS_MAX);
  readonly #segmentStarts = new Int32Array(ROWS_MAX);
  readonly #segmentEnds = new Int32Array(ROWS_MAX);
  /** Consumers; a row whose consumer is that of the row before refers to the same. */
  readonly #consumerStarts = new Int32Array(ROWS_MAX);
  readonly #consumerEnds = new Int32Array(ROWS_MAX);
  readonly #consumerIds = new Int32Array(ROWS_MAX);
  readonly #consumerOfRow = new Int32Array(ROWS_MAX);
  #consumerCount = 0;
  #count = 0;
  #rowsMax = 1;
  #sink: AccessSink | null = null;
  #bytes: Uint8Array = new Uint8Array(0);

  /** What follows goes to `sink` and has its names in `bytes`. */
  begin(bytes: Uint8Array, sink: AccessSink): void {
    this.#bytes = bytes;
    if (sink === this.#sink) return;
    this.#sink = sink;
    this.#rowsMax = takesBlocks(sink) ? ROWS_MAX : 1;
  }

  /** Adds a row; its segment is bytes [start, end), its consumer the one added last. */
  add(timeMs: number, start: number, end: number, op: OperationCode, size: number): void {
    const row = this.#count;
    const rows = this.#rows;
    rows.timeMs[row] = timeMs;
    rows.op[row] = op;
    rows.size[row] = size;
    this.#segmentStarts[row] = start;
    this.#segmentEnds[row] = end;
    this.#consumerOfRow[row] = this.#consumerCount - 1;
    this.#count = row + 1;
    if (row + 1 === this.#rowsMax) this.flush();
  }

  /** The consumer of rows from here on is bytes [start, end); none where `start` is -1. */
  consumer(start: number, end: number): void {
    const at = this.#consumerCount;
    this.#consumerStarts[at] = start;
    this.#consumerEnds[at] = end;
    this.#consumerCount = at + 1;
  }

  /** Whether the next row needs its consumer told, whichever that of the last was. */
  get isConsumerAsked(): boolean {
    return this.#consumerCount === 0;
  }

  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    const sink = this.#sink!;
    const rows = this.#rows;
    const bytes = this.#bytes;
    internColumn(
      sink.consumers,
      bytes,
      this.#consumerStarts,
      this.#consumerEnds,
      this.#consumerCount,
      this.#consumerIds,
    );
    internColumn(sink.segments, bytes, this.#segmentStarts, this.#segmentEnds, count, rows.segment);
    const { consumer } = rows;
    for (let i = 0; i < count; i++) consumer[i] = this.#consumerIds[this.#consumerOfRow[i]!]!;
    this.#count = 0;
    this.#consumerCount = 0;
    if (sink.appendRows !== undefined) sink.appendRows(rows, count);
    else
      for (let i = 0; i < count; i++)
        sink.append(
          rows.timeMs[i]!,
          rows.segment[i]! >>> 0,
          consumer[i]!,
          ABSENT,
          rows.op[i] as OperationCode,
          rows.size[i]!,
          1,
        );
  }
}
