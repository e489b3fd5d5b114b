/** The scanner that the rules stand on is right about what is code. */

import { describe, expect, test } from 'vitest';
import { importsOf, lineAt, scanSource } from './scan-source.ts';

describe('scanSource', () => {
  const blanked = (source: string): string => scanSource(source).code.replace(/ +/g, ' ').trim();

  test('blanks comments and keeps lines', () => {
    const { code } = scanSource('a; // Date.now()\n/* b\n c */ d;');
    expect(code.split('\n').map((line) => line.trim())).toEqual(['a;', '', 'd;']);
  });
  test('blanks what strings say', () => {
    expect(blanked(`f("Date.now()", 'it\\'s // no comment');`)).toBe(`f(" ", ' ');`);
    expect(scanSource(`f('one', "two")`).strings.map((s) => s.text)).toEqual(['one', 'two']);
  });
  test('keeps the code inside templates, nested ones too', () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the source of templates is what is scanned here
    expect(blanked('`x ${a + `y ${Date.now()} z`} // w`; b')).toBe('` ${a + ` ${Date.now()} `} `; b');
    expect(blanked('`${{ a: 1 }.a} "`; c')).toBe('`${{ a: 1 }.a} `; c');
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above
  });
  test('tells a regular expression from a division', () => {
    expect(blanked("x = a / b; y = /['/*]\\/`/.test(z); // w")).toBe('x = a / b; y = / /.test(z);');
    expect(blanked('return /"/g')).toBe('return / /g');
    expect(blanked('(a + b) / c / "d"')).toBe('(a + b) / c / " "');
  });
});

test('importsOf finds static, side-effect, dynamic and type-only imports and re-exports', () => {
  const source = [
    "import { a,\n  b } from './a.ts';",
    "import type { C } from './c.ts';",
    "export * from './d.ts';",
    "export type { E } from './e.ts';",
    "import './f.ts';",
    "const g = await import('./g.ts');",
    "// import './h.ts';",
    'const from = \'import "./i.ts"\';',
  ].join('\n');
  expect(importsOf(source)).toEqual([
    { specifier: './a.ts', line: 2, isTypeOnly: false, isDynamic: false },
    { specifier: './c.ts', line: 3, isTypeOnly: true, isDynamic: false },
    { specifier: './d.ts', line: 4, isTypeOnly: false, isDynamic: false },
    { specifier: './e.ts', line: 5, isTypeOnly: true, isDynamic: false },
    { specifier: './f.ts', line: 6, isTypeOnly: false, isDynamic: false },
    { specifier: './g.ts', line: 7, isTypeOnly: false, isDynamic: true },
  ]);
});

test('lineAt counts from 1', () => {
  expect([lineAt('a\nb\n', 0), lineAt('a\nb\n', 2)]).toEqual([1, 2]);
});
