/** What READMEs point to is there: files, headings, decisions, commands. */

import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFiles, root, textOf, typeScriptFiles } from './project-files.ts';

const documents = projectFiles.filter((path) => path.endsWith('.md'));
const scripts = (JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> }).scripts;

/** `[text](target)`, but for the web. */
function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^https?:/.test(link));
}

/** As a forge makes anchors of headings. */
function anchorsOf(path: string): string[] {
  const headings = [...textOf(path).matchAll(/^#+ (.*)$/gm)].map((match) => match[1]!.toLowerCase());
  return headings.map((heading) =>
    heading
      .replace(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** The document that a link from another one leads to; null = there is none. */
function targetOf(document: string, path: string): string | null {
  const target = path === '' ? document : posix.normalize(posix.join(posix.dirname(document), path));
  if (!existsSync(join(root, target))) return null;
  return statSync(join(root, target)).isDirectory() ? posix.join(target, 'README.md') : target;
}

test('every link of a README leads somewhere', () => {
  const dead = documents.flatMap((document) =>
    linksIn(textOf(document)).flatMap((link) => {
      const [path, anchor] = link.split('#') as [string, string?];
      const target = targetOf(document, path);
      const isThere = target !== null && (anchor === undefined || anchorsOf(target).includes(anchor));
      return isThere ? [] : [`${document}: ${link}`];
    }),
  );
  expect(dead).toEqual([]);
});

test('every file of this repository that a document or comment names exists', () => {
  const missing = [...documents, ...typeScriptFiles].flatMap((path) =>
    [...textOf(path).matchAll(/`((?:engine|streams|actors|sim|test)\/[\w./-]+)`/g)].flatMap(([, named]) =>
      ['', '.ts', '.test.ts'].some((suffix) => existsSync(join(root, named! + suffix))) ? [] : [`${path}: ${named}`],
    ),
  );
  expect(missing).toEqual([]);
});

test('every npm script that a document names exists', () => {
  const unknown = documents.flatMap((path) =>
    [...textOf(path).matchAll(/npm run ([a-z][a-z:-]*[a-z])/g)].flatMap(([, name]) =>
      name! in scripts ? [] : [`${path}: npm run ${name}`],
    ),
  );
  expect(unknown).toEqual([]);
});

describe('decisions', () => {
  const defined = documents.flatMap((path) =>
    [...textOf(path).matchAll(/^\s*(?:[*-] )?\*\*(D-\d+)\b/gm)].map((match) => ({ id: match[1]!, path })),
  );

  test('have a number of their own', () => {
    const twice = defined.filter(({ id }, i) => defined.findIndex((other) => other.id === id) !== i);
    expect(twice).toEqual([]);
  });

  test('that are referred to are there', () => {
    const known = new Set(defined.map(({ id }) => id));
    const unknown = [...documents, ...typeScriptFiles].flatMap((path) =>
      [...textOf(path).matchAll(/\bD-\d{2,3}\b/g)].flatMap(([id]) => (known.has(id) ? [] : [`${path}: ${id}`])),
    );
    expect(unknown).toEqual([]);
  });
});

test('the short results of the README are those of its whole tables', () => {
  const readme = textOf('README.md');
  const cellsOf = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const tableRows = (text: string): string[][] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map(cellsOf);
  const results = readme.slice(readme.indexOf('<!-- results -->'), readme.indexOf('<!-- /results -->'));
  const shown = tableRows(results.slice(0, results.indexOf('<details>')));
  const whole = results.slice(results.indexOf('<details>'));
  const rows = shown.filter((cells) => /^\.\d+$/.test(cells[1]!));
  expect(rows.length).toBeGreaterThan(5);
  for (const [trace, lru, peer, alone, engine, ratio] of rows) {
    const [against, rest] = tableRows(whole).filter((cells) => cells[0] === trace && cells[1] === '0.1');
    expect([trace, lru, `${peer} / ${engine}`]).toEqual([trace, against![2], against![5]]);
    expect([trace, alone, engine]).toEqual([trace, rest![2], rest![3]]);
    expect([trace, ratio]).toEqual([trace, (Number(engine) / Number(peer)).toFixed(2)]);
  }
  const mean = tableRows(whole).find(([name]) => name === 'geometric mean of engine / peers')!;
  expect(readme).toContain(`${mean.slice(3).join(' / ')} times as often`);
});
