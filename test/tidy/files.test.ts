/** The rules of files: names, first lines, exports, and nothing in them that belongs to one machine. */

import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { layers, projectFiles, textOf, typeScriptFiles } from './project-files.ts';
import { lineAt, scanSource } from './scan-source.ts';

/** Tools that read their configuration from a default export. */
const CONFIG_FILES = ['vitest.config.ts'];

/** Every match of a pattern in the code of the files, as file:line: name. */
function find(files: readonly string[], patterns: Readonly<Record<string, RegExp>>): string[] {
  return files.flatMap((path) => {
    const { code } = scanSource(textOf(path));
    return Object.entries(patterns).flatMap(([name, pattern]) =>
      [...code.matchAll(pattern)].map((match) => `${path}:${lineAt(code, match.index)}: ${name}`),
    );
  });
}

const SYNTAX = {
  enum: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w+/gm,
  namespace: /^\s*(?:export\s+)?(?:declare\s+)?(?:namespace|module)\s+[\w'"]/gm,
  'parameter property':
    /\bconstructor\s*\((?:[^)]*?,)?\s*(?:(?:public|private|protected|override|readonly)\s+)+\w+\s*\??\s*[:=,)]/g,
  any: /(?::\s*|<|\bas\s+|,\s*)any\b(?!\s*[:(=])/g,
};

test('no default exports but where a tool reads its configuration', () => {
  const files = typeScriptFiles.filter((path) => !CONFIG_FILES.includes(path));
  expect(find(files, { 'default export': /\bexport\s+default\b|\bas\s+default\b/g })).toEqual([]);
});

test('no enum, no namespace, no parameter property, no any', () => {
  expect(find(typeScriptFiles, SYNTAX)).toEqual([]);
});

describe('the rule of syntax finds', () => {
  test.each([
    ['enum', 'export const enum A {}'],
    ['namespace', 'export namespace A {}'],
    ['parameter property', 'constructor(a: string, private readonly b: number) {}'],
    ['any', 'const a = b as any;'],
  ] as const)('%s', (name, shown) => {
    expect(shown.match(SYNTAX[name])).not.toBeNull();
  });
});

test('files and folders are named in kebab-case by what they are', () => {
  const vague = /^(utils?|helpers?|common|misc|base)(\.|$)/;
  const violations = projectFiles.filter((path) =>
    path
      .split('/')
      .some((part) => vague.test(part) || (path.endsWith('.ts') && !/^[a-z0-9.]+(-[a-z0-9.]+)*$/.test(part))),
  );
  expect(violations).toEqual([]);
});

test('the first line of a TypeScript file is one sentence in /** */, after a shebang at most', () => {
  // What a test file is, its titles say.
  const files = typeScriptFiles.filter((path) => !path.endsWith('.test.ts') && !CONFIG_FILES.includes(path));
  const violations = files.flatMap((path) => {
    const lines = textOf(path).split('\n');
    const first = lines[0]!.startsWith('#!') ? lines[1]! : lines[0]!;
    return /^\/\*\* \S.*[^.][.?] \*\/$/.test(first) ? [] : [`${path}:1: ${first.slice(0, 100)}`];
  });
  expect(violations).toEqual([]);
});

test('no source file is longer than 800 lines', () => {
  const violations = typeScriptFiles
    .map((path) => ({ path, lines: textOf(path).split('\n').length }))
    .filter(({ lines }) => lines > 800);
  expect(violations).toEqual([]);
});

test('each top folder of the product has a README', () => {
  const missing = ['', ...layers.map((layer) => `${layer}/`)].filter(
    (folder) => !projectFiles.includes(`${folder}README.md`),
  );
  expect(missing.map((folder) => `${folder}README.md`)).toEqual([]);
});

test('no file says TODO, FIXME or leaves a test focused', () => {
  const violations = projectFiles.flatMap((path) =>
    path === 'test/tidy/files.test.ts' || /\.(png|parquet|arrow)$/.test(path)
      ? []
      : linesMatching(path, /\b(?:TODO|FIXME|XXX)\b|\b(?:test|describe|it)\.only\b/),
  );
  expect(violations).toEqual([]);
});

test('no file names a path of a machine or the host of a registry', () => {
  const paths = /(?:^|[\s'"`(=:])\/(?:work|root|home|tmp|Users|mnt|private)\//;
  const hosts = /\bregistry\.[\w-]+\.\w+|\b[\w.-]*(?:artifactory|nexus|verdaccio)[\w.-]*\.\w{2,}/i;
  const violations = projectFiles.flatMap((path) =>
    path === 'test/tidy/files.test.ts' ? [] : [...linesMatching(path, paths), ...linesMatching(path, hosts)],
  );
  expect(violations).toEqual([]);
});

function linesMatching(path: string, pattern: RegExp): string[] {
  return textOf(path)
    .split('\n')
    .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : []));
}

test('a test title does not say "should"', () => {
  const violations = typeScriptFiles.flatMap((path) =>
    path.endsWith('.test.ts') && path !== 'test/tidy/files.test.ts'
      ? linesMatching(path, /\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)?\(\s*(['"`]).*\bshould\b/)
      : [],
  );
  expect(violations).toEqual([]);
});

test('every test file is one that the runner finds', () => {
  const strays = projectFiles.filter((path) => /\.(test|spec)\.\w+$/.test(path) && !/^test\/.*\.test\.ts$/.test(path));
  expect(strays.map((path) => basename(path))).toEqual([]);
});
