/** The layer rule, from the code's own imports: engine <- streams <- actors <- sim, and who may import which package. */

import { dirname, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packagesLoadedBy } from './loaded-by.ts';
import { type Layer, layerOf, layers, productFiles, textOf, typeScriptFiles } from './project-files.ts';
import { importsOf } from './scan-source.ts';

/** Packages that a folder may import; the longest matching folder decides. Node's own modules belong to the host. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  engine: ['rxjs', 'xstate', 'zod'],
  'engine/host': ['node:', 'rxjs', 'xstate', 'zod'],
  'engine/transport': ['zeromq', 'rxjs', 'xstate', 'zod'],
  'engine/state': ['lmdb', 'zod'],
  streams: ['rxjs', 'zod'],
  'streams/codec': ['apache-arrow'],
  'streams/sources': ['apache-arrow', 'fzstd', 'hyparquet', 'zod'],
  actors: ['rxjs', 'xstate', 'zod', 'ml-matrix', 'apache-arrow'],
  'actors/node': [
    'hono',
    '@hono/node-server',
    '@hono/zod-openapi',
    'prom-client',
    'pino',
    'rxjs',
    'xstate',
    'yaml',
    'zod',
    // An optional peer, by a dynamic import.
    '@opentelemetry/api',
  ],
  // Optional peers: loaded where their use is configured, by a dynamic import.
  'actors/node/servers': ['nats', 'redis'],
  'actors/node/sources': ['kafkajs', 'nats', 'zod'],
  sim: ['rxjs', 'zod'],
  'sim/cli': ['commander', 'cli-progress', 'yaml', 'zod'],
  'sim/report': ['uplot'],
  // Benches time and measure the real machine, against libraries that only development needs.
  'sim/bench': ['node:', '@duckdb/node-api', 'lru-cache', 'rxjs', 'xstate', 'zeromq', 'zod'],
};

const imports = typeScriptFiles.flatMap((path) => importsOf(textOf(path)).map((found) => ({ path, ...found })));
const targetOf = (path: string, specifier: string): string => posix.join(dirname(path), specifier);

test('a layer imports only from itself and from layers to its left', () => {
  const violations = imports.flatMap(({ path, specifier, line }) => {
    const layer = layerOf(path);
    if (layer === null || !specifier.startsWith('.')) return [];
    const target = layerOf(targetOf(path, specifier));
    const isAllowed = target !== null && layers.indexOf(target) <= layers.indexOf(layer as Layer);
    return isAllowed ? [] : [`${path}:${line}: ${layer} imports ${specifier}`];
  });
  expect(violations).toEqual([]);
});

test('each folder imports only its packages', () => {
  const violations = imports.flatMap(({ path, specifier, line }) => {
    if (layerOf(path) === null || specifier.startsWith('.')) return [];
    const allowed = PACKAGES[longestFolder(path)]!;
    const isAllowed = allowed.some((name) =>
      name.endsWith(':') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`),
    );
    return isAllowed ? [] : [`${path}:${line}: imports ${specifier}; allowed are ${allowed.join(', ')}`];
  });
  expect(violations).toEqual([]);
});

function longestFolder(path: string): string {
  const folders = Object.keys(PACKAGES).filter((folder) => path.startsWith(`${folder}/`));
  return folders.reduce((longest, folder) => (folder.length > longest.length ? folder : longest));
}

test('relative imports name a file that exists, with its suffix', () => {
  const known = new Set(typeScriptFiles);
  const violations = imports.flatMap(({ path, specifier, line }) =>
    !specifier.startsWith('.') || known.has(targetOf(path, specifier)) || specifier.endsWith('.json')
      ? []
      : [`${path}:${line}: ${specifier}`],
  );
  expect(violations).toEqual([]);
});

describe('import cycles', () => {
  test('there are none at load time', () => {
    const edges = new Map<string, readonly string[]>(productFiles.map((path) => [path, targets(path)]));
    expect(cycles(edges)).toEqual([]);
  });

  test('are found where they are', () => {
    const edges = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
    ]);
    expect(cycles(edges)).toEqual(['a -> b -> c -> a']);
  });
});

function targets(path: string): string[] {
  return imports
    .filter((found) => found.path === path && !found.isTypeOnly && !found.isDynamic && found.specifier.startsWith('.'))
    .map((found) => targetOf(path, found.specifier));
}

function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

describe('what is loaded at a start', () => {
  test('the command loads one package before it knows what is asked of it', () => {
    expect(packagesLoadedBy('sim/cli/main.ts')).toEqual(['commander']);
  });

  test('settings of a node are read with the schema library alone, and YAML only where there is a file', () => {
    expect(packagesLoadedBy('sim/cli/node-config-file.ts')).toEqual(['zod']);
    expect(packagesLoadedBy('actors/node/config-reference.ts')).toEqual(['yaml', 'zod']);
  });

  test('options of a replay are checked without what replays', () => {
    expect(packagesLoadedBy('sim/replay/check-options.ts')).toEqual(['zod']);
  });

  test('the simulated path loads no engine', () => {
    expect(packagesLoadedBy('sim/world/world.ts')).toEqual(['xstate', 'zod']);
  });
});
