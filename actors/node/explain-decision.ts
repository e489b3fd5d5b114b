/** A decision about a prefetch, in a sentence. */

import type { Engine } from '../engine/engine.ts';

type Decision = ReturnType<Engine['decisions']>[number];

/** Refusals by reason, as the ledger names them. */
const refusals: Readonly<Record<string, string>> = {
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
const ends: Readonly<Record<string, string>> = {
  useful: 'it was asked for while it was staged',
  late: 'it was asked for while it was still on its way',
  wasted: 'it left the cache unused',
  cancelled: 'it was called back, or its fetch failed',
  stale: 'its origin changed before it was asked for',
  pending: 'it is still staged or on its way',
};

export function explainDecision({ kind, reason, expert, probability, name }: Decision): string {
  const whose = expert === null ? 'the engine' : `the expert "${expert}"`;
  const how = probability === null ? '' : `, probability ${probability.toFixed(2)}`;
  if (kind === 'issued') return `prefetch ${name}: ${whose} expects it to be asked for${how}`;
  if (kind === 'refused') return `not ${name}: ${refusals[reason ?? ''] ?? reason}; ${whose} had proposed it${how}`;
  if (kind === 'withdrawn') return `withdrawn before it was sent: ${name}; better ones took its place in the queue`;
  return `${name} ended ${reason}: ${ends[reason ?? ''] ?? ''}`;
}
