/** A buffer between a sender and a slower consumer, with a bound and a named policy at the bound. */

import { Observable, type OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../access-batch.ts';
import type { Credits } from './credits.ts';
import { FlowCounts } from './flow-counts.ts';

/** What happens to a batch that finds the buffer full. */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest' | 'fail';

interface BoundedBase {
  /** Credits of the consumer: a batch leaves the buffer when one is there. */
  readonly downstream: Credits;
  /** Books to keep; own ones by default. Reasons: `overflow-oldest`, `overflow-newest`. */
  readonly counts?: FlowCounts;
}

/** The sender waits: each batch that leaves the buffer is acknowledged to it, so the bound is the sender's `upstream.max`. */
export interface BlockingOptions extends BoundedBase {
  readonly policy: 'block';
  readonly upstream: Credits;
}

/** The sender does not wait: the buffer holds at most `batchesMax` batches and `rowsMax` rows, whichever comes first. */
export interface OverflowOptions extends BoundedBase {
  readonly policy: OverflowPolicy;
  /** Default 64. */
  readonly batchesMax?: number;
  /** Default 4 Mi rows. A batch larger than this alone counts as finding the buffer full. */
  readonly rowsMax?: number;
}

/**
 * Buffers batches until the consumer has credits.
 *
 * `fail` ends the stream with AnteroomError('limit'); access events that matter take `block`. Dropped rows are counted, a
 * batch is dropped whole. When the source completes, what is held is still handed on before the completion.
 */
export function bounded(options: BlockingOptions | OverflowOptions): OperatorFunction<AccessBatch, AccessBatch> {
  const batchesMax = options.policy === 'block' ? options.upstream.max : (options.batchesMax ?? 64);
  const rowsMax = options.policy === 'block' ? Number.POSITIVE_INFINITY : (options.rowsMax ?? 4 << 20);
  assert(Number.isInteger(batchesMax) && batchesMax >= 1, `batchesMax ${batchesMax} is not a count of at least 1`);
  assert(rowsMax >= 1, `rowsMax ${rowsMax} is not at least 1`);

  return (source) =>
    new Observable<AccessBatch>((subscriber) => {
      const { downstream } = options;
      const counts = options.counts ?? new FlowCounts();
      const held: AccessBatch[] = [];
      let heldRows = 0;
      let isDraining = false;
      let isComplete = false;
      let cancelWait = (): void => {};

      const drain = (): void => {
        if (isDraining) return; // an acknowledgement from inside `next`: the loop below goes on by itself
        isDraining = true;
        cancelWait();
        while (held.length > 0 && !subscriber.closed && downstream.tryTake()) {
          const batch = held.shift()!;
          heldRows -= batch.length;
          counts.outCount += batch.length;
          subscriber.next(batch);
          if (options.policy === 'block') options.upstream.ack();
        }
        isDraining = false;
        if (held.length === 0) {
          if (isComplete) subscriber.complete();
        } else if (!subscriber.closed) cancelWait = downstream.whenAvailable(drain);
      };

      const isFullFor = (batch: AccessBatch): boolean =>
        held.length >= batchesMax || (heldRows + batch.length > rowsMax && batch.length > 0);

      const subscription = source.subscribe({
        next: (batch) => {
          counts.inCount += batch.length;
          if (options.policy === 'drop-oldest') {
            while (held.length > 0 && isFullFor(batch)) {
              const oldest = held.shift()!;
              heldRows -= oldest.length;
              counts.drop('overflow-oldest', oldest.length);
            }
          }
          if (isFullFor(batch)) {
            assert(options.policy !== 'block', 'the sender of a blocking buffer sent without a credit');
            counts.drop('overflow-newest', batch.length);
            if (options.policy !== 'fail') return;
            subscriber.error(
              new AnteroomError('limit', `a buffer of ${batchesMax} batches and ${rowsMax} rows is full`, {
                context: { batchesMax, rowsMax, heldBatches: held.length, heldRows },
              }),
            );
            return;
          }
          held.push(batch);
          heldRows += batch.length;
          drain();
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          isComplete = true;
          drain();
        },
      });
      return () => {
        cancelWait();
        subscription.unsubscribe();
      };
    });
}
