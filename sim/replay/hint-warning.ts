/** What becomes of hints whose names a log does not have, as a sentence. */

import type { HintsConfig } from '../../actors/hints/hints-config.ts';
import { printable } from '../../engine/printable.ts';
import { countedText } from '../report/words.ts';
import type { Trace } from './trace.ts';

/** Names that the sentence shows. */
const NAMES_SHOWN_MAX = 3;
const NAME_SHOWN = 40;

/** Empty where every name of every list is a segment of the trace; the others call for nothing in a replay. */
export function hintWarning({ name, segments }: Pick<Trace, 'name' | 'segments'>, { lists }: HintsConfig): string {
  const known = new Map<string, boolean>();
  let idleCount = 0;
  for (const list of lists) {
    for (const one of list.segments) if (!known.has(one)) known.set(one, segments.idOf(one) >= 0);
    // One alone calls for nobody.
    if (new Set(list.segments.filter((one) => known.get(one))).size < 2) idleCount++;
  }
  const unknown = [...known].flatMap(([one, isKnown]) => (isKnown ? [] : [one]));
  if (unknown.length === 0) return '';
  const shown = unknown.slice(0, NAMES_SHOWN_MAX).map((one) => printable(one, NAME_SHOWN));
  const few = unknown.length > shown.length ? [...shown, '...'] : shown;
  const idle = idleCount === 0 ? '' : `; ${idleCount} of ${countedText(lists.length, 'list')} can call for nothing`;
  return `${name}: hints: ${unknown.length} of ${countedText(known.size, 'name')} are of no segment of this log (${few.join(', ')})${idle}`;
}
