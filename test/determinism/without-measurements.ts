/** A result of a replay without what the machine decides: equal inputs, seed and version make the rest equal byte by byte. */

import type { ReplayResult } from '../../sim/replay/result.ts';

/** The fields that depend on the machine. Everything else is decided by trace, settings and seed. */
const MEASURED: ReadonlySet<string> = new Set([
  'seconds',
  'readSeconds',
  'requestsPerSecond',
  'replayRequestsPerSecond',
  'rssBytesMax',
]);

/** The result as JSON text; every measured field must have been there, so that none escapes under another name. */
export function withoutMeasurements(result: ReplayResult): string {
  for (const run of result.runs) {
    for (const name of MEASURED) if (!(name in run)) throw new Error(`a run has no ${name}`);
  }
  return JSON.stringify(result, (key, value: unknown) => (MEASURED.has(key) ? undefined : value), 1);
}
