/** Leads a pipeline through the log: batches in order, cut where the far loop plans, a tick at each cut that is one. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { BatchSplitter } from '../../streams/operators/split-at.ts';
import type { FarLoopConfig } from '../far-loop-config.ts';
import type { Pipeline } from '../pipeline.ts';
import { TickGate } from '../tick-gate.ts';
import { RowBuffer } from './row-buffer.ts';

/** Rows that wait for the far loop at most: it acts at ticks only, and a message for each row would cost more than its work. */
const LEARNED_ROWS = 256;

/** What a log is led into: a pipeline, wherever its actors live. */
export type LogSink = Pick<Pipeline, 'learn' | 'serve' | 'tick'>;

/**
 * Whoever feeds a pipeline by this, in whatever batches, gets the decisions that a replay of the same log makes. Each row is served
 * at once; the far loop is told of many together, and of all before a tick or a question (`flush`).
 */
export class LogDriver {
  readonly #pipeline: LogSink;
  readonly #isTimed: boolean;
  readonly #splitter: BatchSplitter;
  readonly #gate: TickGate;
  readonly #learned = new RowBuffer(LEARNED_ROWS);
  #position: number;
  #tickCount = 0;

  /** `isTimed`: event time drives fetches and the far loop; else the log position does. `position`: of the first row. */
  constructor(pipeline: LogSink, farLoop: FarLoopConfig, isTimed: boolean, position = 0) {
    this.#pipeline = pipeline;
    this.#position = position;
    this.#isTimed = isTimed;
    this.#splitter = new BatchSplitter(
      isTimed ? { everyMs: farLoop.intervalMs } : { everyRows: farLoop.intervalAccesses },
    );
    this.#gate = new TickGate(farLoop);
  }

  /** Log position of the next row. */
  get position(): number {
    return this.#position;
  }

  get tickCount(): number {
    return this.#tickCount;
  }

  /** The next rows; they start where the last ones ended. */
  push(batch: AccessBatch): void {
    assert(batch.position === this.#position, `the log goes on at ${this.#position}, not at ${batch.position}`);
    for (const event of this.#splitter.push(batch)) {
      if (event.kind === 'tick') {
        const timeMs = this.#isTimed ? event.at : Number.NaN;
        if (!this.#gate.passes(this.#position, timeMs)) continue;
        this.#tickCount++;
        this.flush();
        this.#pipeline.tick(this.#position, timeMs);
      } else {
        this.#position = event.batch.position + event.batch.length;
        // Where fetches are counted in accesses the clock of the log decides nothing, so the far loop does not see it.
        this.#learn(this.#isTimed ? event.batch : withoutTime(event.batch));
        this.#pipeline.serve(event.batch);
      }
    }
  }

  /** Tells the far loop of every row so far. */
  flush(): void {
    if (this.#learned.length > 0) this.#pipeline.learn(this.#learned.take());
  }

  /** Where it stands (#pipeline and #isTimed are given), once `flush` has told what waits in `#learned`. */
  persist(fields: StateFields): void {
    assert(this.#learned.length === 0, 'a state is saved when the far loop was told of every row');
    this.#splitter.persist(fields);
    this.#gate.persist(fields);
    this.#position = fields.number(this.#position);
    this.#tickCount = fields.number(this.#tickCount);
  }

  #learn(batch: AccessBatch): void {
    if (!this.#learned.fits(batch.length)) this.flush();
    if (batch.length >= LEARNED_ROWS) this.#pipeline.learn(batch);
    else this.#learned.add(batch);
  }
}

/** The batch with no times, or itself where it has none. */
function withoutTime(batch: AccessBatch): AccessBatch {
  if (Number.isNaN(batch.timeMs[0]!) && Number.isNaN(batch.timeMs[batch.length - 1]!)) return batch;
  return batch.with({ timeMs: new Float64Array(batch.length).fill(Number.NaN) });
}
