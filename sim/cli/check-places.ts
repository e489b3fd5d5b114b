/** Looks at every input and output of a command before the first replay, so that no result is lost to a misspelt path. */

import { AnteroomError } from '../../engine/errors.ts';
import { checkReadable } from '../../engine/host/file-access.ts';
import { probeTrace, type TraceOptions } from '../replay/trace.ts';
import { checkResultPlaces, type ResultFlags } from './result-places.ts';

/**
 * Checks that each trace can be opened and recognised, and each output written. Reads the beginning of regular files only;
 * writes nothing.
 * @throws AnteroomError 'bad-usage', 'not-found', 'io', 'unknown-format' and as a reader does.
 */
export async function checkPlaces(
  traces: readonly string[],
  options: TraceOptions,
  results: ResultFlags,
): Promise<void> {
  for (const path of [results.json, results.report])
    if (path !== undefined && path !== '-' && traces.includes(path))
      throw new AnteroomError('bad-usage', `${path} is a trace: it cannot be written to`);
  await checkResultPlaces(results);
  if (traces.filter((name) => name === '-').length > 1) {
    throw new AnteroomError('bad-usage', 'standard input (-) can be read only once');
  }
  for (const name of new Set(traces)) await probeTrace(name, options, checkReadable);
}
