/** Reads a YAML file of settings. */

import { parse } from 'yaml';
import { AnteroomError } from '../../engine/errors.ts';
import { readTextFile } from '../../engine/host/text-file.ts';

/** What the file holds; an empty one holds `{}`. @throws AnteroomError 'bad-config' naming the file and the line, 'not-found' and 'io'. */
export async function readYaml(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  try {
    return parse(text) ?? {};
  } catch (cause) {
    // Not only YAMLParseError: an alias that leads nowhere, or everywhere, is a ReferenceError.
    const problem = cause instanceof Error ? cause.message.split('\n')[0]!.replace(/:$/, '') : String(cause);
    throw new AnteroomError('bad-config', `${path}: ${problem}`, { cause });
  }
}
