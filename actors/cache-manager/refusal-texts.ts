/** The reasons of refusals in words. */

import type { RefusalName } from './ledger.ts';

/** Why a prefetch was not sent, as the end of a sentence. */
export const refusalTexts: Readonly<Record<RefusalName, string>> = {
  resident: 'it is in the cache already',
  inFlight: 'it is on its way already',
  budget: 'the bound on traffic has no room for it now',
  tooLarge: 'it is larger than the room for staged segments',
  price: 'it is not worth what it would cost',
  throttled: 'the bound on misses leaves no room',
  denied: 'the policy does not allow it',
  distrusted: 'its expert misled of late and is turned off but for trials',
  crowded: 'it would have pushed out of the prefetch cache what is about as likely and had only just landed',
  unsafe: 'the policy holds it for no safe read',
  requestRate: 'as many prefetches a second as may be were sent',
  byteRate: 'as many bytes a second as may be were sent',
  concurrency: 'as many prefetches as may be are in flight',
  requestTotal: 'as many prefetches as may be were sent in all',
  byteTotal: 'as many bytes as may be were sent in all',
  spending: 'what prefetches may cost is spent',
  heldOut: 'it is held out, so that what prefetching gains can be measured',
};
