/** The facts of package.json hold: versions, exports, dependencies and scripts. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optionalPeers } from '../../actors/node/servers/optional-peer.ts';
import { VERSION } from '../../engine/version.ts';
import { productFiles, projectFiles, root, textOf, typeScriptFiles } from './project-files.ts';
import { importsOf } from './scan-source.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly engines: { readonly node: string };
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifest = JSON.parse(textOf('package.json')) as Manifest;

/** The libraries that the project was asked to stand on. */
const LIBRARIES = ['rxjs', 'xstate', 'zeromq', 'apache-arrow', 'ml-matrix', 'vitest', 'fast-check'];
/** Dependencies that are there for what comes next, with the reason. */
const NOT_YET_IMPORTED: Readonly<Record<string, string>> = {};

const importedBy = (files: readonly string[]): ReadonlySet<string> =>
  new Set(
    files.flatMap((path) =>
      importsOf(textOf(path))
        .filter((found) => !/^(\.|node:|anteroom)/.test(found.specifier))
        .map((found) => /^(?:@[^/]+\/)?[^/]+/.exec(found.specifier)![0]),
    ),
  );

test('the version is the one that reports name', () => {
  expect(VERSION).toBe(manifest.version);
});

test('the package is ESM for Node 20.19 and later', () => {
  expect(manifest.type).toBe('module');
  expect(manifest.engines.node).toBe('>=20.19');
});

test('every version is exact, so that the same commit builds the same program', () => {
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

describe('dependencies', () => {
  test.each(LIBRARIES)('%s is one', (name) => {
    expect({ ...manifest.dependencies, ...manifest.devDependencies }).toHaveProperty([name]);
  });

  test('all that the product imports are declared', () => {
    const shipped = productFiles.filter((path) => !path.startsWith('sim/bench/'));
    const undeclared = [...importedBy(shipped)].filter(
      (name) => !(name in manifest.dependencies) && !(name in manifest.peerDependencies),
    );
    expect(undeclared).toEqual([]);
  });

  test('all that tests and benches import are declared', () => {
    const declared = { ...manifest.dependencies, ...manifest.devDependencies };
    expect([...importedBy(typeScriptFiles)].filter((name) => !(name in declared))).toEqual([]);
  });

  test('every peer is optional, is installed for the tests, and is only imported where it is used', () => {
    const imports = productFiles.flatMap((path) => importsOf(textOf(path)).map((found) => ({ path, ...found })));
    for (const [name, range] of Object.entries(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true });
      expect(range).toBe(`^${manifest.devDependencies[name]}`);
      expect(optionalPeers).toHaveProperty([name], manifest.devDependencies[name]);
      const loaded = imports.filter(({ specifier }) => specifier === name);
      expect(loaded.filter(({ isDynamic, isTypeOnly }) => !isDynamic && !isTypeOnly)).toEqual([]);
      expect(loaded.some(({ isDynamic }) => isDynamic)).toBe(true);
    }
  });

  test('all that are declared are used, or it is said why not', () => {
    const imported = importedBy(productFiles);
    const named = productFiles.map(textOf).join('\n');
    const unused = Object.keys(manifest.dependencies).filter(
      (name) => !imported.has(name) && !named.includes(`'${name}/`) && !named.includes(`'${name}'`),
    );
    expect(unused.filter((name) => !(name in NOT_YET_IMPORTED))).toEqual([]);
  });
});

describe('what is built', () => {
  const targets = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry))),
  ];

  test.each(targets)('%s exists (npm run build makes it)', (target) => {
    expect(existsSync(root + target)).toBe(true);
  });

  test('is not older than its sources (npm run build makes it new)', () => {
    const stale = productFiles.filter((path) => {
      const built = `${root}dist/${path.replace(/\.ts$/, '.js')}`;
      return !existsSync(built) || statSync(built).mtimeMs < statSync(root + path).mtimeMs;
    });
    expect(stale).toEqual([]);
  });

  test('the command starts with a shebang', () => {
    for (const target of Object.values(manifest.bin)) expect(readFileSync(root + target, 'utf8')).toMatch(/^#!/);
  });

  test('every file named under files is there', () => {
    const missing = manifest.files.filter((path) => !existsSync(root + path));
    expect(missing).toEqual([]);
  });
});

test('every script that package.json and .ci/run call is there', () => {
  const called = [...Object.values(manifest.scripts), textOf('.ci/run')].flatMap((text) =>
    [...text.matchAll(/\bnpm run (?:--silent |-s )?([\w:]+)/g)].map((match) => match[1]!),
  );
  expect(called.filter((name) => !(name in manifest.scripts))).toEqual([]);
});

test('the lock file belongs to this version', () => {
  expect(projectFiles).toContain('package-lock.json');
  expect((JSON.parse(textOf('package-lock.json')) as Manifest).version).toBe(manifest.version);
});

/** What a package needs where it can run: a lock file without these is refused by `npm ci` as out of step. */
interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test('the lock file holds the optional packages of every platform, so that npm ci takes it', () => {
  const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Readonly<Record<string, LockedPackage>> };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});
