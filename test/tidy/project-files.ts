/** The files of the project as a tracked tree has them: no dependencies, nothing built, nothing temporary. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** As in .gitignore; a copy of the tree without its history is searched just the same. */
const IGNORED = /^(\.git|node_modules|dist|coverage|\.tmp|anteroom-report\.html|.*\.tgz)$/;

/** Paths from the root, with forward slashes, sorted. */
export const projectFiles: readonly string[] = walk('').sort();

function walk(folder: string): string[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (IGNORED.test(entry.name)) return [];
    return entry.isDirectory() ? walk(`${path}/`) : entry.isFile() ? [path] : [];
  });
}

export function textOf(path: string): string {
  return readFileSync(root + path, 'utf8');
}

/** The four layers from left to right: each may import from itself and from those before it. */
export const layers = ['engine', 'streams', 'actors', 'sim'] as const;
export type Layer = (typeof layers)[number];

export function layerOf(path: string): Layer | null {
  return layers.find((layer) => path.startsWith(`${layer}/`)) ?? null;
}

export const typeScriptFiles: readonly string[] = projectFiles.filter((path) => path.endsWith('.ts'));
/** What is built and shipped. */
export const productFiles: readonly string[] = typeScriptFiles.filter((path) => layerOf(path) !== null);
