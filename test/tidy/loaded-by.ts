/** What a file loads, from the code's own static imports. */

import { dirname, posix } from 'node:path';
import { textOf } from './project-files.ts';
import { importsOf } from './scan-source.ts';

/** Packages that the file and what it imports load, and the files themselves. */
export function loadedBy(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { specifier, isTypeOnly, isDynamic } of importsOf(textOf(path))) {
    if (isTypeOnly || isDynamic) continue;
    if (specifier.startsWith('.')) loadedBy(posix.join(dirname(path), specifier), seen);
    else seen.add(specifier);
  }
  return seen;
}

/** The packages alone, without modules of Node. */
export function packagesLoadedBy(path: string): string[] {
  return [...loadedBy(path)].filter((name) => !name.endsWith('.ts') && !name.startsWith('node:')).sort();
}
