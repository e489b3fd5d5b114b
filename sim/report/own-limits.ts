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
 * The setting that refused most, where caps and policy together refused more than was sent; else null. `refused` gives how many
 * proposals ended by a refusal.
 */
export function refusingSetting(refused: (name: RefusalName) => number, issued: number): string | null {
  let all = 0;
  let most = 0;
  let setting: string | null = null;
  for (const [name, text] of settings) {
    const count = refused(name);
    all += count;
    if (count > most) [most, setting] = [count, text];
  }
  return all > issued ? setting : null;
}

/** `caps.requestsMax refused most of what it would have fetched`. */
export function refusingClause(setting: string): string {
  return `${setting} refused most of what it would have fetched`;
}

/** What follows from that. */
export const refusingAdvice = 'That is a setting, not the log: without it the answer may differ.';
