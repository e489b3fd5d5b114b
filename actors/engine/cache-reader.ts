/** A read-through cache whose engine fetches ahead; made by `attach`. */

import { Subscription } from 'rxjs';
import type { Clock } from '../../engine/clock.ts';
import type { AttachableCache, AttachOptions, KeyNames } from './attach.ts';
import type { Engine } from './engine.ts';
import type { EngineStats } from './engine-stats.ts';
import type { PrefetchRequest } from './prefetch-desk.ts';

export interface CacheReaderOptions<K, V> extends AttachOptions<K, V>, KeyNames<K> {
  readonly clock: Pick<Clock, 'now'>;
  readonly isOwnEngine: boolean;
}

/** What a cache reader did, as it happened; `EngineStats` is of the engine's model. */
export interface CacheReaderCounts {
  /** Reads answered from the cache, by waiting for a fetch that was under way, and by a fetch of their own. */
  readonly hits: number;
  readonly joined: number;
  readonly fetched: number;
  /** Fetches ahead: begun, arrived, failed. A failure is nobody's error. */
  readonly prefetches: number;
  readonly prefetched: number;
  readonly prefetchErrors: number;
  /** Values that the engine took for held and that were not there: expired, deleted by others, or larger than was thought. */
  readonly lost: number;
  /** Requests for keys that were not declared safe. */
  readonly unsafe: number;
  /** 1 once the engine failed: from then on this is a plain read-through cache. */
  readonly engineFaults: number;
}

/** A fetch under way. */
interface Flight<V> {
  readonly value: Promise<V>;
  readonly abort: AbortController;
  readonly isPrefetch: boolean;
  /** Demands that wait for it. */
  waiting: number;
}

/** One fetch a key at a time, whoever asks. Whatever the engine does, a read gives what `fetch` gives. */
export class CacheReader<K, V> {
  readonly engine: Engine;
  readonly #cache: AttachableCache<K, V>;
  readonly #options: CacheReaderOptions<K, V>;
  readonly #flights = new Map<string, Flight<V>>();
  /** Name by the id of an open request. */
  readonly #requested = new Map<number, string>();
  readonly #subscription = new Subscription();
  #isOff = false;
  #counts = {
    hits: 0,
    joined: 0,
    fetched: 0,
    prefetches: 0,
    prefetched: 0,
    prefetchErrors: 0,
    lost: 0,
    unsafe: 0,
    engineFaults: 0,
  };

  constructor(cache: AttachableCache<K, V>, engine: Engine, options: CacheReaderOptions<K, V>) {
    this.engine = engine;
    this.#cache = cache;
    this.#options = options;
    this.#subscription.add(
      engine.departures$.subscribe((segment) => {
        this.#cache.delete(this.#options.keyOf(engine.nameOf(segment)));
      }),
    );
    this.#subscription.add(engine.prefetches$.subscribe((request) => this.#prefetch(request)));
    this.#subscription.add(engine.cancellations$.subscribe((id) => this.#cancel(id)));
  }

  get counts(): CacheReaderCounts {
    return { ...this.#counts };
  }

  /** The value of a key: from the cache, from a fetch under way, or fetched. Rejects only as the fetch for this read does. */
  async get(key: K, by: { readonly consumer?: string } = {}): Promise<V> {
    const name = this.#options.nameOf(key);
    const cached = this.#cache.get(key);
    const flight = this.#flights.get(name);
    // It expired, or someone else deleted it.
    if (cached === undefined && flight === undefined) {
      this.#engineDo(() => {
        if (!this.engine.holds(name)) return;
        this.#counts.lost++;
        this.engine.invalidate(name);
      });
    }
    // Its own fetch goes first: observing may start others.
    const reading = cached === undefined ? this.#read(flight, key, name) : null;
    this.#engineDo(() =>
      this.engine.observe({
        segment: name,
        timeMs: this.#options.clock.now(),
        ...(by.consumer === undefined ? {} : { consumer: by.consumer }),
        ...(cached === undefined ? {} : { size: this.#sizeOf(cached, key) }),
      }),
    );
    if (reading !== null) return await reading;
    this.#counts.hits++;
    return cached as V;
  }

  /** The truth changed: forgets the value, and what is under way is not kept. */
  invalidate(key: K): void {
    const name = this.#options.nameOf(key);
    this.#cache.delete(key);
    this.#flights.delete(name);
    this.#engineDo(() => this.engine.invalidate(name));
  }

  stats(): EngineStats {
    return this.engine.stats();
  }

  /** Ends prefetching; `get` goes on as a plain read-through cache. An engine of the caller's goes on. */
  async stop(): Promise<void> {
    this.#isOff = true;
    this.#subscription.unsubscribe();
    for (const flight of this.#flights.values()) if (flight.isPrefetch && flight.waiting === 0) flight.abort.abort();
    if (this.#options.isOwnEngine) await this.engine.stop();
  }

  #read(flight: Flight<V> | undefined, key: K, name: string): Promise<V> {
    return flight === undefined ? this.#demand(key, name) : this.#join(flight, key, name);
  }

  async #join(flight: Flight<V>, key: K, name: string): Promise<V> {
    this.#counts.joined++;
    flight.waiting++;
    try {
      return await flight.value;
    } catch (error) {
      if (!flight.isPrefetch) throw error;
      // Nobody asked for that fetch, so its failure is not this read's.
      const again = this.#flights.get(name);
      return await (again === undefined || again === flight ? this.#demand(key, name) : again.value);
    }
  }

  async #demand(key: K, name: string): Promise<V> {
    this.#counts.fetched++;
    const startedAt = this.#options.clock.now();
    const flight = this.#fly(key, name, false);
    try {
      const value = await flight.value;
      this.#engineDo(() => {
        const durationMs = this.#options.clock.now() - startedAt;
        this.engine.fetched(name, { sizeBytes: this.#sizeOf(value, key), durationMs });
      });
      this.#keep(flight, key, name, value);
      return value;
    } catch (error) {
      // The model took it for fetched.
      if (this.#land(flight, name)) this.#engineDo(() => this.engine.invalidate(name));
      throw error;
    }
  }

  #prefetch(request: PrefetchRequest): void {
    const { id, name } = request;
    const key = this.#options.keyOf(name);
    const { safe } = this.#options;
    const isSafe = safe === true || this.#isSafe(safe, key);
    if (!isSafe || this.#flights.has(name)) {
      if (!isSafe) this.#counts.unsafe++;
      this.#engineDo(() => this.engine.failed(id, { timeMs: this.#options.clock.now() }));
      return;
    }
    this.#counts.prefetches++;
    this.#requested.set(id, name);
    const flight = this.#fly(key, name, true);
    flight.value.then(
      (value) => {
        this.#counts.prefetched++;
        const timeMs = this.#options.clock.now();
        if (this.#requested.delete(id)) {
          this.#engineDo(() => this.engine.landed(id, { timeMs, sizeBytes: this.#sizeOf(value, key) }));
        }
        this.#keep(flight, key, name, value);
      },
      (error: unknown) => {
        this.#counts.prefetchErrors++;
        this.#land(flight, name);
        if (this.#requested.delete(id)) {
          this.#engineDo(() => this.engine.failed(id, { timeMs: this.#options.clock.now() }));
        }
        if (!flight.abort.signal.aborted) this.#tellError(error);
      },
    );
  }

  #isSafe(safe: (key: K) => boolean, key: K): boolean {
    try {
      return safe(key);
    } catch (error) {
      this.#tellError(error);
      return false;
    }
  }

  #cancel(id: number): void {
    const name = this.#requested.get(id);
    if (name === undefined) return;
    this.#requested.delete(id);
    const flight = this.#flights.get(name);
    if (flight?.isPrefetch !== true) return;
    // Whoever waits for it, or asks from now on, fetches for itself: this one may never end.
    this.#flights.delete(name);
    flight.abort.abort();
  }

  #fly(key: K, name: string, isPrefetch: boolean): Flight<V> {
    const abort = new AbortController();
    const { fetch } = this.#options;
    const { signal } = abort;
    const value = new Promise<V>((resolve, reject) => {
      // Nobody waits for a fetch that does not heed its signal.
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      // Not `resolve(fetch(...))`: a promise that follows another one cannot be rejected any more.
      Promise.resolve(fetch(key, { isPrefetch, signal })).then(resolve, reject);
    });
    const flight = { value, abort, isPrefetch, waiting: 0 };
    this.#flights.set(name, flight);
    return flight;
  }

  /** Takes a flight off; false where another one, or an invalidation, has taken its place. */
  #land(flight: Flight<V>, name: string): boolean {
    if (this.#flights.get(name) !== flight) return false;
    this.#flights.delete(name);
    return true;
  }

  #keep(flight: Flight<V>, key: K, name: string, value: V): void {
    if (!this.#land(flight, name)) return;
    if (this.#isOff || this.engine.holds(name)) this.#cache.set(key, value);
  }

  #sizeOf(value: V, key: K): number {
    const sizeOf = this.#options.sizeOf ?? this.#cache.sizeCalculation;
    return sizeOf === undefined ? -1 : sizeOf(value, key);
  }

  /** The engine's trouble is not the application's: after a fault it is left alone. */
  #engineDo(work: () => void): void {
    if (this.#isOff) return;
    try {
      work();
    } catch (error) {
      this.#isOff = true;
      this.#counts.engineFaults++;
      this.#tellError(error);
    }
  }

  #tellError(error: unknown): void {
    this.#options.onError?.(error);
  }
}
