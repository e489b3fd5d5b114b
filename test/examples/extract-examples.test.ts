import { expect, test } from 'vitest';
import { checkedProgram, claimCount, docstringExamplesOf, type Example, fencesOf } from './extract-examples.ts';

const example = (text: string): Example => ({ path: 'x.md', line: 10, language: 'ts', tags: [], text });

test('fences carry their place, language and tags', () => {
  const fences = fencesOf('x.md', 'a\n```ts no-run\nb;\n```\n\n  ````sh\n  ```\n  c\n  ````\n');
  expect(fences).toEqual([
    { path: 'x.md', line: 3, language: 'ts', tags: ['no-run'], text: 'b;' },
    { path: 'x.md', line: 7, language: 'sh', tags: [], text: '```\nc' },
  ]);
});

test('docstring examples are found with and without a fence', () => {
  const source =
    'a();\n/**\n * Adds.\n * @example\n * ```ts\n * add(1); // => 2\n * ```\n * @example\n * add(2);\n */\n';
  expect(docstringExamplesOf('x.ts', source)).toEqual([
    { path: 'x.ts', line: 6, language: 'ts', tags: [], text: 'add(1); // => 2' },
    { path: 'x.ts', line: 9, language: 'ts', tags: [], text: 'add(2);' },
  ]);
});

test('a claim checks the statement before it', () => {
  expect(checkedProgram(example('f(1); // => 2'))).toBe('__check(f(1), "2", 10); // => 2');
  expect(checkedProgram(example('const a = [\n  1;\n];\n'))).toContain('const a');
  expect(checkedProgram(example('const a = g({ b: 1 }); // => 3'))).toBe(
    'const a = g({ b: 1 }); __check(a, "3", 10); // => 3',
  );
  expect(checkedProgram(example('if (x) {\n  y();\n}\nconsole.log(f(";")); // => 1'))).toContain(
    '__check(f(";"), "1", 13)',
  );
});

test('a claim on lines of its own goes on over lines that are set in', () => {
  const text = 'f();\ng(a,\n  b);\n// => [1,\n//     2]\nh();';
  expect(claimCount(example(text))).toBe(1);
  expect(checkedProgram(example(text))).toContain('__check(g(a,\n  b), "[1, 2]", 13);');
});

test('a claim that something throws runs it later', () => {
  expect(checkedProgram(example("f('x'); // => throws bad-usage"))).toContain(
    'await __checkThrows(async () => { f(\'x\'); }, "throws bad-usage", 10);',
  );
});
