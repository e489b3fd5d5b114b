/** Tumbling and sliding windows of event time over batches. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';
import { FlowCounts } from './flow-counts.ts';
import { BatchSplitter, boundaryAtOrBefore } from './split-at.ts';

/** What windows are cut by. */
export interface WindowOptions {
  /** Length in ms, a multiple of `everyMs`. */
  readonly sizeMs: number;
  /** Distance between starts in whole ms; default `sizeMs`, which makes the windows tumbling. */
  readonly everyMs?: number;
  /** Rows that open windows may hold (a row counts once, however many windows share it); beyond it, AnteroomError('limit'). Default 64 Mi. */
  readonly rowsMax?: number;
  /** Books to keep. `outCount` counts a row once, when the last window with it is out. Reason: `no-time`. */
  readonly counts?: FlowCounts;
}

/** The rows with `startMs <= time < endMs`, in order. Never empty. */
export interface AccessWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly rowCount: number;
  readonly batches: readonly AccessBatch[];
}

interface Pane {
  readonly startMs: number;
  readonly batches: AccessBatch[];
  rowCount: number;
}

/**
 * Collects rows into panes of `everyMs` and gives out windows of whole panes; batches are sliced, never copied.
 *
 * A window is given out before the first row at or past its end, or at the end of the stream; empty windows are left out. A row
 * without a time belongs with the row before it; those before the first time are dropped, counted as `no-time`.
 * Panes: Li et al., "No Pane, No Gain", SIGMOD Record 2005. Memory: the batches of one window.
 */
export class Windower implements BatchStage<AccessBatch, AccessWindow> {
  readonly #sizeMs: number;
  readonly #everyMs: number;
  readonly #rowsMax: number;
  readonly #counts: FlowCounts;
  readonly #splitter: BatchSplitter;
  #panes: Pane[] = [];
  #heldRows = 0;
  /** Start of the pane that rows now go to; NaN before the first time. */
  #paneMs = Number.NaN;
  /** End of the next window to give out. */
  #nextEndMs = Number.NEGATIVE_INFINITY;

  constructor(options: WindowOptions) {
    this.#sizeMs = options.sizeMs;
    this.#everyMs = options.everyMs ?? options.sizeMs;
    this.#rowsMax = options.rowsMax ?? 64 << 20;
    this.#counts = options.counts ?? new FlowCounts();
    assert(
      this.#sizeMs >= this.#everyMs && this.#sizeMs % this.#everyMs === 0,
      `a window of ${this.#sizeMs} ms is not a multiple of ${this.#everyMs} ms`,
    );
    assert(this.#rowsMax >= 1, `rowsMax ${this.#rowsMax} is not at least 1`);
    this.#splitter = new BatchSplitter({ everyMs: this.#everyMs });
  }

  push(batch: AccessBatch): readonly AccessWindow[] {
    this.#counts.inCount += batch.length;
    const windows: AccessWindow[] = [];
    for (const event of this.#splitter.push(batch)) {
      if (event.kind === 'tick') {
        this.#closeBefore(event.at, windows);
        this.#paneMs = event.at;
      } else this.#hold(event.batch);
    }
    return windows;
  }

  end(): readonly AccessWindow[] {
    const windows: AccessWindow[] = [];
    this.#closeBefore(Number.POSITIVE_INFINITY, windows);
    return windows;
  }

  #hold(rows: AccessBatch): void {
    let batch = rows;
    if (Number.isNaN(this.#paneMs)) {
      let first = 0;
      while (first < batch.length && Number.isNaN(batch.timeMs[first]!)) first++;
      this.#counts.drop('no-time', first);
      if (first === batch.length) return;
      batch = batch.slice(first, batch.length);
      this.#paneMs = boundaryAtOrBefore(batch.timeMs[0]!, this.#everyMs);
    }
    if (this.#heldRows + batch.length > this.#rowsMax)
      throw new AnteroomError('limit', `windows of ${this.#sizeMs} ms hold more than ${this.#rowsMax} rows`, {
        context: { sizeMs: this.#sizeMs, rowsMax: this.#rowsMax },
      });
    let pane = this.#panes.at(-1);
    if (pane === undefined || pane.startMs !== this.#paneMs) {
      pane = { startMs: this.#paneMs, batches: [], rowCount: 0 };
      this.#panes.push(pane);
    }
    pane.batches.push(batch);
    pane.rowCount += batch.length;
    this.#heldRows += batch.length;
  }

  /** Gives out every window that ends at or before `atMs`, and lets go of panes that no later window needs. */
  #closeBefore(atMs: number, windows: AccessWindow[]): void {
    while (this.#panes.length > 0) {
      // The earliest window with the first pane in it starts size - every before that pane.
      const firstMs = this.#panes[0]!.startMs;
      const from = Math.max(this.#nextEndMs, firstMs + this.#everyMs);
      const to = Math.min(atMs, firstMs + this.#sizeMs);
      for (let endMs = from; endMs <= to; endMs += this.#everyMs) {
        const startMs = endMs - this.#sizeMs;
        const panes = this.#panes.filter((pane) => pane.startMs >= startMs && pane.startMs < endMs);
        windows.push({
          startMs,
          endMs,
          rowCount: panes.reduce((rows, pane) => rows + pane.rowCount, 0),
          batches: panes.flatMap((pane) => pane.batches),
        });
        this.#nextEndMs = endMs + this.#everyMs;
      }
      if (firstMs + this.#sizeMs > atMs) return;
      const pane = this.#panes.shift()!;
      this.#heldRows -= pane.rowCount;
      this.#counts.outCount += pane.rowCount;
    }
  }
}

/** `Windower` as an operator. */
export function windowed(options: WindowOptions): OperatorFunction<AccessBatch, AccessWindow> {
  return runStage(() => new Windower(options));
}
