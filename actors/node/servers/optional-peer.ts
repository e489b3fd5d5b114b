/** Loads a package that only those need who configure what uses it. */

import { AnteroomError } from '../../../engine/errors.ts';

/** Packages that are peers and not dependencies, with the version that was tried. */
export const optionalPeers = {
  redis: '6.3.1',
  nats: '2.29.3',
  kafkajs: '2.2.4',
  '@opentelemetry/api': '1.9.1',
} as const;

/**
 * @param load imports the package; a function, so that nothing is loaded where nothing is configured
 * @throws AnteroomError 'missing-library' with the command that installs it
 */
export async function optionalPeer<T>(
  name: keyof typeof optionalPeers,
  what: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new AnteroomError(
      'missing-library',
      `${what} needs the package ${name}, which is not installed: npm install ${name}@${optionalPeers[name]}`,
      { cause, context: { package: name } },
    );
  }
}
