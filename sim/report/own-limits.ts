/** Which caps and which policy kept the engine from fetching: then a replay says more of these settings than of the log. */

import type { RefusalName } from '../../actors/cache-manager/ledger.ts';

/** The setting behind each refusal that the user's own settings make. */
const settings: readonly (readonly [RefusalName, string])[] = [
  ['denied', 'policy'],
  ['unsafe', 'policy.readOnly'],
  ['requestRate', 'caps.requestsPerSecondMax'],
  ['byteRate', 'caps.bytesPerSecondMax'],
  ['concurrency', 'caps.concurrencyMax'],
  ['requestTotal', 'caps.requestsMax'],
  ['byteTotal', 'caps.bytesMax'],
  ['spending', 'caps.spendingMax'],
];

/** A sample knows its ghost with an error only, so it may grant nothing where a whole ghost would. */
const sampledGhost = ['throttled', 'the bound on misses beside ghost.kind: sampled'] as const;

/**
 * The settings that refused most of what would have been fetched, where caps and policy together did: as few as make it true, the one that
 * refused more first, `caps.requestsMax and policy`; else null. `refused` gives how many proposals ended by a refusal; `isSampled`: the ghost is.
 */
export function refusingSetting(
  refused: (name: RefusalName) => number,
  issued: number,
  isSampled = false,
): string | null {
  const named = isSampled ? [...settings, sampledGhost] : settings;
  const counts = named.map(([name, text]) => ({ text, count: refused(name) })).sort((a, b) => b.count - a.count);
  const wanted = counts.reduce((sum, { count }) => sum + count, issued);
  const most: string[] = [];
  let sum = 0;
  for (const { text, count } of counts) {
    if (2 * sum > wanted || count === 0) break;
    most.push(text);
    sum += count;
  }
  if (!(2 * sum > wanted)) return null;
  return most.length === 1 ? most[0]! : `${most.slice(0, -1).join(', ')} and ${most.at(-1)!}`;
}

/** `caps.requestsMax refused most of what it would have fetched`. */
export function refusingClause(setting: string): string {
  return `${setting} refused most of what it would have fetched`;
}

/** What follows from that. */
export const refusingAdvice = 'Settings say so, not the log: with others the answer may differ.';
