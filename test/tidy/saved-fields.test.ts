/** A component that saves itself names every field that it has: what is left out is said to be, so none is forgotten. */

import { describe, expect, test } from 'vitest';
import { productFiles, textOf } from './project-files.ts';

const CLASS = /^(?:export )?(?:abstract )?class (\w+)[^\n]*\{\n([\s\S]*?)^\}/gm;
const FIELD = /^ {2}(?:readonly )?(#\w+)(?: = |: |;)/gm;
/** The method with the comment before it. */
const PERSIST = /(?:^ {2}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^ {2}(?:override )?persist\([\s\S]*?^ {2}\}/m;

/** Private fields that the class's `persist` and its comment do not name. */
function unnamedIn(source: string): string[] {
  return [...source.matchAll(CLASS)].flatMap(([, name, body]) => {
    const persist = PERSIST.exec(body!)?.[0];
    if (persist === undefined) return [];
    const fields = [...body!.matchAll(FIELD)].map((match) => match[1]!);
    return fields.filter((field) => !new RegExp(`${field}\\b`).test(persist)).map((field) => `${name}.${field}`);
  });
}

test('every private field of a class with `persist` is saved there, or named in its comment as one that is not', () => {
  expect(productFiles.flatMap((path) => unnamedIn(textOf(path)).map((field) => `${path}: ${field}`))).toEqual([]);
});

describe('the rule itself', () => {
  const source = (comment: string, code: string) =>
    `export class Count {\n  readonly #max: number;\n  #count = 0;\n\n  /** ${comment} */\n  persist(fields: StateFields): void {\n    ${code}\n  }\n}\n`;

  test('finds a field that is neither saved nor named', () => {
    expect(unnamedIn(source('The state.', 'this.#count = fields.number(this.#count);'))).toEqual(['Count.#max']);
  });
  test('is silent where each is one of the two', () => {
    expect(unnamedIn(source('Everything but #max.', 'this.#count = fields.number(this.#count);'))).toEqual([]);
  });
});
