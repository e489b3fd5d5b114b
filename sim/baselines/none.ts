/** No prefetching: the baseline's prefetcher, which learns nothing and proposes nothing. */

import type { Prefetcher } from '../../actors/prefetcher.ts';

/** The prefetcher of a baseline run. Constant time, no state. */
export class NonePrefetcher implements Prefetcher {
  readonly name = 'none';
  readonly staging = 'shared';
  readonly experts: readonly string[] = [];

  onAccess(): void {}
}
