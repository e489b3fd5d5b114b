/** The determinism rule: time, chance and locale come from outside, so no code but the host's asks the machine for them. */

import { describe, expect, test } from 'vitest';
import { productFiles, textOf } from './project-files.ts';
import { lineAt, scanSource } from './scan-source.ts';

/** What is forbidden, each with a line of code that shows it. */
const FORBIDDEN: readonly { readonly name: string; readonly pattern: RegExp; readonly shown: string }[] = [
  { name: 'Date.now', pattern: /\bDate\s*\.\s*now\b/g, shown: 'const t = Date.now();' },
  { name: 'new Date() without an instant', pattern: /\bnew\s+Date\s*(?:\(\s*\)|(?![\s(]))/g, shown: 'new Date()' },
  { name: 'Date() as text', pattern: /(?<!new\s+|[\w.$])Date\s*\(/g, shown: 'const s = Date();' },
  { name: 'Math.random', pattern: /\bMath\s*\.\s*random\b/g, shown: 'const draw = Math.random;' },
  {
    name: 'a timer of the host',
    // `clock.setTimeout(...)` is the project's clock, and `setTimeout(callback: ...` declares it.
    pattern:
      /(?:(?<![.\w$#])|\b(?:globalThis|global|window|timers)\s*\.\s*)(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b(?!\s*:|\s*\(\s*\w+\??\s*:)/g,
    shown: 'globalThis.setTimeout(f, 1)',
  },
  { name: 'process.nextTick', pattern: /\bnextTick\b/g, shown: 'process.nextTick(f)' },
  { name: 'performance', pattern: /(?<![.\w$#])performance\s*\./g, shown: 'performance.now()' },
  { name: 'process.hrtime', pattern: /\bhrtime\b/g, shown: 'process.hrtime.bigint()' },
  {
    name: 'crypto randomness',
    pattern: /\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/g,
    shown: 'crypto.randomUUID()',
  },
  { name: 'toLocale...', pattern: /\.\s*toLocale[A-Z]\w*/g, shown: 'n.toLocaleString()' },
  { name: 'localeCompare', pattern: /\.\s*localeCompare\b/g, shown: 'a.localeCompare(b)' },
  { name: 'Intl', pattern: /\bIntl\s*\./g, shown: 'new Intl.Collator()' },
];

/**
 * Where a rule does not hold: the host, and the benches, which measure the real machine. The words of `process` are the
 * command line's, so `process` itself is no violation.
 */
const EXEMPT = /^(engine\/host|sim\/bench)\//;

/** Single places with the reason why nothing that is replayed depends on them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {};

function violationsIn(path: string, source: string): string[] {
  const { code } = scanSource(source);
  return FORBIDDEN.flatMap(({ name, pattern }) =>
    ALLOWED[path]?.includes(name)
      ? []
      : [...code.matchAll(pattern)].map((match) => `${path}:${lineAt(source, match.index)}: ${name}`),
  );
}

test('nothing outside engine/host and sim/bench asks the machine for time, chance or locale', () => {
  const files = productFiles.filter((path) => !EXEMPT.test(path));
  expect(files.flatMap((path) => violationsIn(path, textOf(path)))).toEqual([]);
});

describe('the rule itself', () => {
  test.each(FORBIDDEN)('finds $name', ({ name, shown }) => {
    expect(violationsIn('x.ts', `a();\n${shown}`)).toContainEqual(`x.ts:2: ${name}`);
  });
  test('is silent about instants that are given, and about words', () => {
    const source =
      "new Date(ms); // Date.now()\nconst s = 'Math.random()'; clock.setTimeout(f, 1); this.#performance.now;";
    expect(violationsIn('x.ts', source)).toEqual([]);
  });
});
