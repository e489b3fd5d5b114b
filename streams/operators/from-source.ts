/** An async iterable as an Observable that never runs ahead of its consumer. */

import { Observable } from 'rxjs';
import type { Credits } from './credits.ts';

/**
 * Pulls `source` while there are credits: at most `credits.max` items were emitted and not acknowledged, and the next item is
 * not even asked for before a credit is there. Unsubscribing ends the iterator; so does an error, which is passed on.
 */
export function fromSource<T>(source: AsyncIterable<T>, credits: Credits): Observable<T> {
  return new Observable<T>((subscriber) => {
    const iterator = source[Symbol.asyncIterator]();
    let isPulling = false;
    let isEnded = false;
    let cancelWait = (): void => {};

    const waitForCredit = (): void => {
      if (!isEnded && !subscriber.closed) cancelWait = credits.whenAvailable(pull);
    };
    const pull = (): void => {
      if (isPulling || isEnded || subscriber.closed) return;
      if (!credits.tryTake()) {
        waitForCredit();
        return;
      }
      isPulling = true;
      iterator.next().then(
        (result) => {
          isPulling = false;
          if (result.done === true || subscriber.closed) {
            credits.ack(); // nothing was sent for it
            if (result.done === true) isEnded = true;
            subscriber.complete();
            return;
          }
          subscriber.next(result.value);
          waitForCredit();
        },
        (error: unknown) => {
          isPulling = false;
          isEnded = true;
          credits.ack();
          subscriber.error(error);
        },
      );
    };
    waitForCredit();

    return () => {
      cancelWait();
      if (isEnded) return;
      isEnded = true;
      // Closing a file may fail after the consumer has left; there is no one to tell.
      iterator.return?.().then(undefined, () => {});
    };
  });
}
