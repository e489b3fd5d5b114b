/** A cache and a fetch function become one read-through cache that prefetches. */

import type { Clock } from '../../engine/clock.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { CacheReader } from './cache-reader.ts';
import { checkAttach } from './check-attach.ts';
import { createEngine } from './create-engine.ts';
import type { Engine } from './engine.ts';
import type { EngineConfigInput } from './engine-config.ts';

/** What is asked of a cache: an `LRUCache` of lru-cache has it all, and a Map with a `max` does as well. */
export interface AttachableCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
  delete(key: K): unknown;
  /** Entries at most; 0 = not bounded by entries. */
  readonly max: number;
  /** Bytes at most, as its own size calculation has them; 0 or absent = not bounded by bytes. */
  readonly maxSize?: number;
  readonly sizeCalculation?: ((value: V, key: K) => number) | undefined;
}

/** How a value is fetched. `isPrefetch` = nobody asked yet; then `signal` says when nobody will. */
export type FetchValue<K, V> = (
  key: K,
  context: { readonly isPrefetch: boolean; readonly signal: AbortSignal },
) => Promise<V> | V;

/** What a cache is attached with: how to fetch, what may be fetched early, and whose engine decides. */
export interface AttachOptions<K, V> {
  readonly fetch: FetchValue<K, V>;
  /**
   * Which keys may be fetched before anyone asks. Declare only reads that are safe to repeat and change nothing, with values that serve
   * every consumer: `true` = all keys of this cache.
   */
  readonly safe: true | ((key: K) => boolean);
  /** An engine of the caller's, in live mode. Default: one of its own, as large as the cache. */
  readonly engine?: Engine;
  /** Settings of its own engine. */
  readonly config?: EngineConfigInput;
  /** Default: the host's. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Prefetches under way at once. Default: `live.concurrencyMax` of the engine. */
  readonly concurrencyMax?: number;
  /** Bytes of a value, where the cache counts bytes. Default: the cache's own calculation. */
  readonly sizeOf?: (value: V, key: K) => number;
  /** Told of what went wrong without the application noticing; it must not throw. */
  readonly onError?: (error: unknown) => void;
}

/** The names that an engine knows keys by, for keys that are not strings. */
export interface KeyNames<K> {
  /** Different keys have different names. */
  readonly nameOf: (key: K) => string;
  readonly keyOf: (name: string) => K;
}

/**
 * Reads through `cache`, and fetches ahead what will be asked for next.
 *
 * The engine decides what the cache holds: what it gives up is deleted there, so that values staged ahead take part of the cache's room
 * and never add to it. Values that others set or delete are found and taken into account when they are next asked for.
 *
 * @throws AnteroomError 'bad-usage' for a cache without a bound and for an option that cannot be, 'bad-config' for settings that cannot be.
 */
export function attach<V>(cache: AttachableCache<string, V>, options: AttachOptions<string, V>): CacheReader<string, V>;
export function attach<K, V>(
  cache: AttachableCache<K, V>,
  options: AttachOptions<K, V> & KeyNames<K>,
): CacheReader<K, V>;
export function attach<K, V>(
  cache: AttachableCache<K, V>,
  options: AttachOptions<K, V> & Partial<KeyNames<K>>,
): CacheReader<K, V> {
  checkAttach(cache, options);
  const clock = options.clock ?? new RealClock();
  const engine = options.engine ?? createEngine({ config: configFor(cache, options), clock });
  if (engine.config.mode !== 'live') throw new AnteroomError('bad-usage', 'attach: the engine must be in live mode');
  return new CacheReader(cache, engine, {
    ...options,
    clock,
    isOwnEngine: options.engine === undefined,
    nameOf: options.nameOf ?? ((key) => key as string),
    keyOf: options.keyOf ?? ((name) => name as K),
  });
}

function configFor<K, V>(cache: AttachableCache<K, V>, options: AttachOptions<K, V>): EngineConfigInput {
  const { config = {}, concurrencyMax } = options;
  const { max, maxSize = 0 } = cache;
  if (!(max > 0 || maxSize > 0)) {
    throw new AnteroomError('bad-usage', 'attach: the cache has no bound; give it max or maxSize');
  }
  const size = max > 0 ? { capacity: max, unit: 'segments' as const } : { capacity: maxSize, unit: 'bytes' as const };
  const live = concurrencyMax === undefined ? {} : { live: { ...config.live, concurrencyMax } };
  return { ...size, ...config, ...live };
}
