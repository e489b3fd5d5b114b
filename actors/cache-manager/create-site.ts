/** From options to a site: the one that measures an eviction alone, or the one that prefetches. */

import { BaselineSite } from './baseline-site.ts';
import { PrefetchingSite } from './prefetching-site.ts';
import type { Site, SiteOptions } from './site.ts';

/**
 * A site with empty caches.
 * @throws InvariantError for a capacity below 1 and a share outside 0..1.
 */
export function createSite(options: SiteOptions): Site {
  return options.makePrefetcher === null ? new BaselineSite(options) : new PrefetchingSite(options);
}
