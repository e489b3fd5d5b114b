/** What comes out of an engine: noted while the actors work, sent when the call has done its work. */

import { EMPTY, type Observable, Subject } from 'rxjs';
import type { ForecastsMessage } from '../messages.ts';
import type { ForecastSet } from './engine-models.ts';
import type { EngineListeners, EngineParts } from './engine-parts.ts';
import type { PrefetchRequest } from './prefetch-desk.ts';

/** Nothing is kept of what nobody subscribed to, but for requests, which wait as long as they are open. */
export class EngineOutput {
  readonly #forecasts = new Subject<ForecastSet>();
  readonly #departures = new Subject<number>();
  readonly #told: ForecastsMessage[] = [];
  readonly #left: number[] = [];

  readonly forecasts$: Observable<ForecastSet> = this.#forecasts.asObservable();
  readonly departures$: Observable<number> = this.#departures.asObservable();

  /** What to tell of forecasts and departures. */
  readonly listeners: Omit<EngineListeners, 'onArrival'> = {
    onForecasts: (message) => {
      if (this.#forecasts.observed) this.#told.push(message);
    },
    onLeave: (segment) => {
      if (this.#departures.observed) this.#left.push(segment);
    },
  };

  prefetches$({ desk }: EngineParts): Observable<PrefetchRequest> {
    return desk?.requests$ ?? EMPTY;
  }

  cancellations$({ desk }: EngineParts): Observable<number> {
    return desk?.cancellations$ ?? EMPTY;
  }

  /** Sends what was noted; `close` is told of the requests that a demand overtook. A subscriber may call the engine, and so this, again. */
  emit({ pipeline, models, desk }: EngineParts, close: (id: number) => void): void {
    for (const segment of this.#left.splice(0)) if (!pipeline.site.holds(segment)) this.#departures.next(segment);
    for (const message of this.#told.splice(0)) this.#forecasts.next(models.forecastSet(message));
    desk?.emit(close);
  }

  complete({ desk }: EngineParts): void {
    desk?.complete();
    this.#forecasts.complete();
    this.#departures.complete();
  }
}
