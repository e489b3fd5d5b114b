/** Files inside installed packages: styles and scripts that pages carry with them. */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AnteroomError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * Reads a file that lies in a package's folder.
 * @throws AnteroomError 'missing-library' when the package is not installed.
 */
export async function readPackageAsset(packageName: string, file: string): Promise<string> {
  try {
    return await readFile(join(dirname(require.resolve(`${packageName}/package.json`)), file), 'utf8');
  } catch (cause) {
    throw new AnteroomError('missing-library', `${packageName} is not installed: npm install ${packageName}`, {
      cause,
    });
  }
}
