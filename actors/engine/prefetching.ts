/** An operator for those who have a stream of their own: accesses in, what was staged ahead out. */

import { from, Observable, type ObservableInput, type OperatorFunction } from 'rxjs';
import type { Clock } from '../../engine/clock.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Access } from './access-intake.ts';
import { createEngine } from './create-engine.ts';
import type { Engine } from './engine.ts';
import type { EngineConfigInput } from './engine-config.ts';
import type { PrefetchRequest } from './prefetch-desk.ts';

/** What the operator is made with: how to fetch, and whose engine decides. */
export interface PrefetchingOptions {
  /** Fetches and keeps what is asked for; the last number that it gives is the size in bytes. An error ends this prefetch, not the stream. */
  readonly fetch: (request: PrefetchRequest) => ObservableInput<unknown>;
  /** An engine of the caller's, in live mode. Default: one of its own for each subscription. */
  readonly engine?: Engine;
  readonly config?: EngineConfigInput;
  /** Measures fetches. Default: the host's. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** How a prefetch ended. */
export interface Prefetched {
  readonly request: PrefetchRequest;
  /** False: it failed, or nobody needs it any more. */
  readonly isStaged: boolean;
  /** What the fetch failed with; null = it did not. */
  readonly error: unknown;
}

/**
 * Observes every access as it passes and fetches what the engine asks for, at most `live.concurrencyMax` at once. A request that
 * is called back has its fetch unsubscribed. Completes when the source has and no fetch is under way.
 */
export function prefetching(options: PrefetchingOptions): OperatorFunction<Access | AccessBatch, Prefetched> {
  return (source) =>
    new Observable((subscriber) => {
      const clock = options.clock ?? new RealClock();
      const engine =
        options.engine ?? createEngine({ clock, ...(options.config === undefined ? {} : { config: options.config }) });
      const open = new Map<number, () => void>();
      // A request that a demand joined takes no slot of the engine's any more; its fetch is under way all the same.
      let waiting: PrefetchRequest[] = [];
      const { concurrencyMax } = engine.config.live;
      let isSourceDone = false;
      const endIfDone = (): void => {
        if (isSourceDone && open.size === 0 && waiting.length === 0) subscriber.complete();
      };
      const startNext = (): void => {
        while (waiting.length > 0 && open.size < concurrencyMax) {
          const request = waiting.shift()!;
          if (engine.isWanted(request.id)) start(request);
        }
        endIfDone();
      };
      const end = (request: PrefetchRequest, isStaged: boolean, error: unknown): void => {
        open.delete(request.id);
        subscriber.next({ request, isStaged, error });
        startNext();
      };
      const start = (request: PrefetchRequest): void => {
        let sizeBytes = -1;
        let isEnded = false;
        const fetched = new Observable<unknown>((observer) => {
          try {
            return from(options.fetch(request)).subscribe(observer);
          } catch (error) {
            observer.error(error);
            return undefined;
          }
        });
        // A fetch may end before `subscribe` returns.
        open.set(request.id, () => undefined);
        const subscription = fetched.subscribe({
          next: (value) => {
            if (typeof value === 'number') sizeBytes = value;
          },
          error: (error: unknown) => {
            isEnded = true;
            engine.failed(request.id, { timeMs: clock.now() });
            end(request, false, error);
          },
          complete: () => {
            isEnded = true;
            end(request, engine.landed(request.id, { timeMs: clock.now(), sizeBytes }), null);
          },
        });
        if (!isEnded) open.set(request.id, () => subscription.unsubscribe());
      };
      subscriber.add(
        engine.prefetches$.subscribe((request) => {
          waiting.push(request);
          // Those that the engine waits for are bounded.
          if (waiting.length > 2 * concurrencyMax) waiting = waiting.filter(({ id }) => engine.isWanted(id));
          startNext();
        }),
      );
      subscriber.add(
        engine.cancellations$.subscribe((id) => {
          open.get(id)?.();
          open.delete(id);
          startNext();
        }),
      );
      subscriber.add(
        source.subscribe({
          next: (access) => {
            try {
              engine.observe(access);
            } catch (error) {
              subscriber.error(error);
            }
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isSourceDone = true;
            endIfDone();
          },
        }),
      );
      subscriber.add(() => {
        for (const cancel of open.values()) cancel();
        if (options.engine === undefined) void engine.stop();
      });
    });
}
