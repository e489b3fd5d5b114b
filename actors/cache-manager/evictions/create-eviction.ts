/** From the name of an eviction policy to a cache that follows it. */

import { unreachable } from '../../../engine/assert.ts';
import type { Eviction, EvictionName, EvictionOptions } from '../eviction.ts';
import { ArcEviction } from './arc.ts';
import { AutoEviction } from './auto.ts';
import { BeladyEviction } from './belady.ts';
import { ClockEviction } from './clock.ts';
import { FifoEviction } from './fifo.ts';
import { GdsfEviction } from './gdsf.ts';
import { HazardEviction } from './hazard.ts';
import { LirsEviction } from './lirs.ts';
import { LruEviction } from './lru.ts';
import { S3FifoEviction } from './s3-fifo.ts';
import { SieveEviction } from './sieve.ts';
import { WTinyLfuEviction } from './w-tinylfu.ts';

/**
 * An empty cache with the policy `name`.
 * @throws InvariantError for a capacity below 1, and for belady without `options.future`.
 */
export function createEviction(name: EvictionName, options: EvictionOptions): Eviction {
  switch (name) {
    case 'auto':
      return new AutoEviction(options);
    case 'lru':
      return new LruEviction(options);
    case 'fifo':
      return new FifoEviction(options);
    case 'clock':
      return new ClockEviction(options);
    case 'sieve':
      return new SieveEviction(options);
    case 's3-fifo':
      return new S3FifoEviction(options);
    case 'arc':
      return new ArcEviction(options);
    case 'lirs':
      return new LirsEviction(options);
    case 'w-tinylfu':
      return new WTinyLfuEviction(options);
    case 'gdsf':
      return new GdsfEviction(options);
    case 'hazard':
      return new HazardEviction(options);
    case 'belady':
      return new BeladyEviction(options);
    default:
      return unreachable(name);
  }
}
