/** Reads the YAML file given to `--config`. */

import { parse, YAMLParseError } from 'yaml';
import { parseConfig } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { readTextFile } from '../../engine/host/text-file.ts';
import { type ReplayConfig, replayConfigSchema } from '../replay/replay-config.ts';

/** @throws AnteroomError 'bad-config' naming the file and the key or line, 'not-found' and 'io'. */
export async function readConfigFile(path: string): Promise<ReplayConfig> {
  const text = await readTextFile(path);
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw new AnteroomError('bad-config', `${path}: ${cause.message.split('\n')[0]}`, { cause });
  }
  return parseConfig(replayConfigSchema, value, path);
}
