/** Reads the YAML file given to `--config`. */

import { parseConfig } from '../../engine/config.ts';
import { type ReplayConfig, replayConfigSchema } from '../replay/replay-config.ts';
import { readYaml } from './read-yaml.ts';

/** @throws AnteroomError 'bad-config' naming the file and the key or line, 'not-found' and 'io'. */
export async function readConfigFile(path: string): Promise<ReplayConfig> {
  return parseConfig(replayConfigSchema, await readYaml(path), path);
}
