/** Looks at every input and output of a command before the first replay, so that no result is lost to a misspelt path. */

import { AnteroomError } from '../../engine/errors.ts';
import { checkReadable, checkWritable } from '../../engine/host/file-access.ts';
import { probeTrace, type TraceOptions } from '../replay/trace.ts';

/**
 * Checks that each trace can be opened and recognised, and each output written. Reads the beginning of regular files only;
 * writes nothing.
 * @param outputs paths; undefined and `-` (standard output) need no check.
 * @throws AnteroomError 'bad-usage', 'not-found', 'io', 'unknown-format' and as a reader does.
 */
export async function checkPlaces(
  traces: readonly string[],
  options: TraceOptions,
  outputs: readonly (string | undefined)[],
): Promise<void> {
  const files = outputs.filter((path): path is string => path !== undefined && path !== '-');
  if (new Set(files).size < files.length) {
    throw new AnteroomError('bad-usage', `two results cannot be written to one file, ${files[0]}`);
  }
  for (const path of files) {
    if (traces.includes(path)) throw new AnteroomError('bad-usage', `${path} is a trace: it cannot be written to`);
    await checkWritable(path);
  }
  if (traces.filter((name) => name === '-').length > 1) {
    throw new AnteroomError('bad-usage', 'standard input (-) can be read only once');
  }
  for (const name of new Set(traces)) await probeTrace(name, options, checkReadable);
}
