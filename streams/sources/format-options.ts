/** Options that a format cannot act on are refused, so that none is ignored in silence. */

import { AnteroomError } from '../../engine/errors.ts';
import type { FormatOptions } from '../format.ts';

/**
 * @param heeded the options that the format acts on.
 * @throws AnteroomError 'bad-usage' for any other that is given.
 */
export function refuseOtherOptions(
  format: string,
  options: FormatOptions,
  heeded: readonly (keyof FormatOptions)[],
): void {
  // Not the seed: a run has one whatever it reads, and where nothing is drawn nothing depends on it.
  const known: readonly (keyof FormatOptions)[] = ['columns', 'delimiter', 'hasHeader', 'timeUnit'];
  for (const option of known)
    if (options[option] !== undefined && !heeded.includes(option))
      throw new AnteroomError('bad-usage', `format ${format} has no use for the option ${option}`, {
        context: { format, option },
      });
}
