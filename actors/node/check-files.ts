/** Looks at every file that the settings name, as a start would: keys, allow-lists, passwords, certificates. */

import { AnteroomError } from '../../engine/errors.ts';
import { readPlaceKeys } from '../../engine/host/key-folder.ts';
import { readTextFile } from '../../engine/host/text-file.ts';
import { knownTokens } from './http/authorise.ts';
import type { NodeConfig } from './node-config.ts';
import { securityOf } from './places-config.ts';

type Connection = NodeConfig['sources'][number] | NodeConfig['sinks'][number];

/**
 * For the node, or for one of its parts. Reads only.
 * @throws AnteroomError 'bad-config' that tells of all that is wrong.
 */
export async function checkFiles(config: NodeConfig, place: string | null): Promise<void> {
  const faults: string[] = [];
  const attempt = async (at: string, look: () => Promise<unknown>): Promise<void> => {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof AnteroomError)) throw error;
      faults.push(`${at}${error.message}`);
    }
  };
  if (config.places.parts.length > 0)
    await attempt('places: ', () => securityOf(config.places, place ?? config.places.name));
  if (place === null) {
    await attempt('', () => knownTokens(config.http));
    for (const list of ['sources', 'sinks'] as const)
      for (const [i, connection] of config[list].entries())
        for (const [field, file] of Object.entries(connection))
          if (typeof file === 'string' && /File$|^keysFolder$/.test(field))
            await attempt(`${list}[${i}].${field}: `, () => checkFile(connection, field, file));
  }
  if (faults.length > 0) throw new AnteroomError('bad-config', faults.join('; '));
}

async function checkFile(connection: Connection, field: string, file: string): Promise<void> {
  if (field === 'keysFolder') return checkKeys(connection, file);
  const text = await readTextFile(file);
  if (text.trim() === '') throw new AnteroomError('bad-config', `${file}: is empty`);
  if (field === 'caFile' && !text.includes('-----BEGIN CERTIFICATE-----'))
    throw new AnteroomError('bad-config', `${file}: holds no certificate in PEM`);
}

async function checkKeys(connection: Connection, folder: string): Promise<void> {
  const { allowed } = await readPlaceKeys(folder);
  if (allowed.size === 0)
    throw new AnteroomError(
      'bad-config',
      `${folder}: the allow-list is empty, so nobody is heard: anteroom keys allow`,
    );
  const expected: readonly string[] =
    connection.type !== 'zeromq'
      ? []
      : 'speakers' in connection
        ? connection.speakers.map(({ place }) => place)
        : [connection.place ?? ''];
  const absent = expected.filter((place) => !allowed.has(place));
  if (absent.length > 0)
    throw new AnteroomError('bad-config', `${folder}: the allow-list has no key of ${absent.join(', ')}`);
}
