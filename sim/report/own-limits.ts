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

/**
 * The settings that refused most of what would have been fetched, where caps and policy together did: as few as make it true, the one that
 * refused more first, `caps.requestsMax and policy`; else null. `refused` gives how many proposals ended by a refusal.
 */
export function refusingSetting(refused: (name: RefusalName) => number, issued: number): string | null {
  const counts = settings.map(([name, text]) => ({ text, count: refused(name) })).sort((a, b) => b.count - a.count);
  const wanted = counts.reduce((sum, { count }) => sum + count, issued);
  const named: string[] = [];
  let sum = 0;
  for (const { text, count } of counts) {
    if (2 * sum > wanted || count === 0) break;
    named.push(text);
    sum += count;
  }
  if (!(2 * sum > wanted)) return null;
  return named.length === 1 ? named[0]! : `${named.slice(0, -1).join(', ')} and ${named.at(-1)!}`;
}

/** `caps.requestsMax refused most of what it would have fetched`. */
export function refusingClause(setting: string): string {
  return `${setting} refused most of what it would have fetched`;
}

/** What follows from that. */
export const refusingAdvice = 'Settings say so, not the log: with others the answer may differ.';
