/** A decision about a prefetch, in a sentence. */

import type { RefusalName } from '../cache-manager/ledger.ts';
import { refusalTexts } from '../cache-manager/refusal-texts.ts';
import type { Engine } from '../engine/engine.ts';

type Decision = ReturnType<Engine['decisions']>[number];

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
  if (kind === 'refused')
    return `not ${name}: ${refusalTexts[reason as RefusalName] ?? reason}; ${whose} had proposed it${how}`;
  if (kind === 'withdrawn') return `withdrawn before it was sent: ${name}; better ones took its place in the queue`;
  return `${name} ended ${reason}: ${ends[reason ?? ''] ?? ''}`;
}
