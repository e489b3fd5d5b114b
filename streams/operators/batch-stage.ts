/** One step over batches as a plain object, and the one way in which all of them become RxJS operators. */

import { concat, concatMap, defer, type OperatorFunction } from 'rxjs';

/** A step with state: inputs in, any number of outputs out, at once. Usable without RxJS. */
export interface BatchStage<In, Out> {
  /** Takes the next input; returns what follows from it, in order. */
  push(input: In): readonly Out[];
  /** The input ended; returns what was held back. */
  end(): readonly Out[];
}

/**
 * An operator that runs a stage: a new one for each subscription, synchronously for each batch.
 *
 * `concatMap` keeps the order even when a consumer's acknowledgement makes the source emit while outputs are being handed on;
 * it holds no backlog otherwise, since a stage answers at once.
 */
export function runStage<In, Out>(create: () => BatchStage<In, Out>): OperatorFunction<In, Out> {
  return (source) =>
    defer(() => {
      const stage = create();
      return concat(
        source.pipe(concatMap((input) => stage.push(input))),
        defer(() => stage.end()),
      );
    });
}
