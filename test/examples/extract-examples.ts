/** Finds the examples in documents and docstrings, and turns TypeScript ones into programs that check their `// =>` lines. */

import { scanSource } from '../tidy/scan-source.ts';

/** A fenced block of a document, or an `@example` of a docstring. */
export interface Example {
  /** Where its first line of code is. */
  readonly path: string;
  readonly line: number;
  /** `ts`, `sh`, ... */
  readonly language: string;
  /** Words after the language, such as `no-run`. */
  readonly tags: readonly string[];
  readonly text: string;
}

/** The fenced blocks of a Markdown document. */
export function fencesOf(path: string, markdown: string): readonly Example[] {
  const examples: Example[] = [];
  let open: { fence: string; indent: string; line: number; info: string[]; lines: string[] } | null = null;
  for (const [i, line] of markdown.split('\n').entries()) {
    const match = /^(\s*)(`{3,})(.*)$/.exec(line);
    if (open === null) {
      if (match === null) continue;
      open = { fence: match[2]!, indent: match[1]!, line: i + 2, info: match[3]!.trim().split(/\s+/), lines: [] };
    } else if (match?.[3] === '' && match[2]!.length >= open.fence.length) {
      const [language = '', ...tags] = open.info;
      examples.push({ path, line: open.line, language, tags, text: open.lines.join('\n') });
      open = null;
    } else {
      open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  return examples;
}

/** The examples of a TypeScript file: fences after `@example` in its docstrings; a block without a fence counts as `ts`. */
export function docstringExamplesOf(path: string, source: string): readonly Example[] {
  const examples: Example[] = [];
  for (const comment of source.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    if (!comment[0].includes('@example')) continue;
    const startLine = source.slice(0, comment.index).split('\n').length;
    const lines = comment[0]
      .split('\n')
      .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\* ?)/, '').replace(/\*\/$/, ''));
    for (let i = 0; i < lines.length; i++) {
      if (!/^\s*@example\b/.test(lines[i]!)) continue;
      let end = i + 1;
      while (end < lines.length && !/^\s*@\w/.test(lines[end]!)) end++;
      const body = lines.slice(i + 1, end).join('\n');
      const fences = fencesOf(path, body);
      const found =
        fences.length > 0
          ? fences
          : [{ path, line: 1, language: 'ts', tags: [] as readonly string[], text: body.trimEnd() }];
      for (const example of found) examples.push({ ...example, line: startLine + i + example.line });
    }
  }
  return examples;
}

/** One `// =>`: the statement it speaks of, and what it says. */
interface Claim {
  readonly statement: { readonly start: number; readonly end: number };
  readonly expected: string;
  readonly line: number;
}

/**
 * A program that runs an example and calls `__check(value, expected, line)` for each `// =>`.
 *
 * The claim at the end of a line, or on lines of its own, is about the statement that ends before it: the value of an expression, the
 * variable that a declaration declares, or what console.log is given. A line that begins with `//` and three spaces goes on with the claim.
 */
export function checkedProgram(example: Example): string {
  let program = example.text;
  const claims = claimsOf(example);
  // From the last to the first, so that earlier offsets stay true.
  for (const { statement, expected, line } of claims.toReversed()) {
    const text = program.slice(statement.start, statement.end);
    program = program.slice(0, statement.start) + checked(text, expected, line) + program.slice(statement.end);
  }
  return program;
}

export function claimCount(example: Example): number {
  return claimsOf(example).length;
}

function checked(text: string, expected: string, line: number): string {
  const lead = /^\s*/.exec(text)![0];
  const body = text.slice(lead.length).replace(/;\s*$/, '');
  const rest = `${JSON.stringify(expected)}, ${line}`;
  const declared = /^(?:const|let|var)\s+([\w$]+)/.exec(body);
  if (declared !== null) return `${lead}${body}; __check(${declared[1]}, ${rest});`;
  const logged = /^console\.log\(([\s\S]*)\)$/.exec(body);
  if (expected.startsWith('throws')) return `${lead}await __checkThrows(async () => { ${body}; }, ${rest});`;
  return `${lead}__check(${logged === null ? body : logged[1]}, ${rest});`;
}

function claimsOf({ text, line: firstLine }: Example): Claim[] {
  const { code } = scanSource(text);
  const claims: Claim[] = [];
  const lines = text.split('\n');
  let offset = 0;
  for (let i = 0; i < lines.length; i++) {
    const lineText = lines[i]!;
    const match = /(?:^|\s)\/\/ => ?(.*)$/.exec(lineText);
    if (match !== null) {
      const parts = [match[1]!.trim()];
      for (let k = i + 1; k < lines.length && /^\s*\/\/ {3}/.test(lines[k]!); k++) {
        parts.push(lines[k]!.replace(/^\s*\/\/\s*/, '').trim());
      }
      const statement = statementBefore(code, offset + match.index);
      if (statement === null) throw new Error(`line ${firstLine + i}: a claim without a statement before it`);
      claims.push({ statement, expected: parts.join(' '), line: firstLine + i });
    }
    offset += lineText.length + 1;
  }
  return claims;
}

/** The last statement that ends before `end`: from after the previous `;` or block at its own depth. */
function statementBefore(code: string, end: number): { start: number; end: number } | null {
  let stop = end;
  while (stop > 0 && /\s/.test(code[stop - 1]!)) stop--;
  if (stop === 0) return null;
  let depth = 0;
  let start = code[stop - 1] === ';' ? stop - 2 : stop - 1;
  for (; start >= 0; start--) {
    const c = code[start]!;
    if (depth === 0 && (c === ';' || c === '{')) break;
    if (c === '}' && depth === 0 && /^\s*\n/.test(code.slice(start + 1)) && start < stop - 2) break;
    if (')]}'.includes(c)) depth++;
    if ('([{'.includes(c)) depth--;
    if (depth < 0) break;
  }
  return { start: start + 1, end: stop };
}
