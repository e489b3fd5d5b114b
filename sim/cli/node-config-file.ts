/** Reads a node's settings from YAML and the command line. */

import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import type { NodeConfig } from '../../actors/node/node-config.ts';

/** @throws AnteroomError 'bad-config' naming the file and the key or line, 'not-found' and 'io'. */
export async function readNodeConfig(
  path: string | undefined,
  flags: { readonly port?: number; readonly dataFolder?: string } = {},
): Promise<NodeConfig> {
  const value = path === undefined ? {} : await (await import('./read-yaml.ts')).readYaml(path);
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap) return checkNodeConfig(value, path ?? 'settings');
  const given = value as { readonly http?: object };
  const { port, dataFolder } = flags;
  return checkNodeConfig(
    {
      ...given,
      ...(dataFolder === undefined ? {} : { dataFolder }),
      ...(port === undefined ? {} : { http: { ...given.http, port } }),
    },
    path ?? 'settings',
  );
}
