/** Takes TypeScript apart into code, comments and strings, so that rules look at code and are not fooled by prose. */

/** A string literal: where its opening quote is, and what stands between the quotes, escapes untouched. */
export interface StringLiteral {
  readonly at: number;
  readonly text: string;
}

export interface ScannedSource {
  /** The source with comments and the insides of strings, templates and regular expressions blanked; same length, same lines. */
  readonly code: string;
  readonly strings: readonly StringLiteral[];
}

/**
 * Scans a file.
 *
 * A slash begins a regular expression where a value may begin: after an operator, an opening bracket, a keyword or at the start. That is
 * the usual heuristic; it is wrong after the `)` of `if (x) /re/`, which nobody writes here. `${...}` inside a template is code.
 */
export function scanSource(source: string): ScannedSource {
  const out = source.split('');
  const strings: StringLiteral[] = [];
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let lastCode = '';
  let word = '';
  let i = 0;

  const blank = (from: number, to: number): void => {
    for (let k = from; k < to; k++) if (out[k] !== '\n') out[k] = ' ';
  };
  /** Blanks a template's text from `from`; stops after the closing backtick or after `${`. */
  const template = (from: number): number => {
    let k = from;
    while (k < source.length && source[k] !== '`' && !source.startsWith('${', k)) k += source[k] === '\\' ? 2 : 1;
    blank(from, k);
    if (source[k] === '`') return k + 1;
    templates.push(depth);
    depth++;
    return k + 2;
  };

  while (i < source.length) {
    const c = source[i]!;
    if (source.startsWith('//', i) || (i === 0 && source.startsWith('#!'))) {
      const end = lineEnd(source, i);
      blank(i, end);
      i = end;
      continue;
    }
    if (source.startsWith('/*', i)) {
      const end = source.indexOf('*/', i + 2) + 2;
      blank(i, end === 1 ? source.length : end);
      i = end === 1 ? source.length : end;
      continue;
    }
    if (c === "'" || c === '"') {
      let k = i + 1;
      while (k < source.length && source[k] !== c && source[k] !== '\n') k += source[k] === '\\' ? 2 : 1;
      strings.push({ at: i, text: source.slice(i + 1, k) });
      blank(i + 1, k);
      i = k + 1;
      lastCode = 'x';
      word = '';
      continue;
    }
    if (c === '`') {
      i = template(i + 1);
      lastCode = templates.length > 0 && source[i - 1] === '{' ? '{' : 'x';
      word = '';
      continue;
    }
    if (c === '/' && beginsValue(lastCode, word)) {
      const end = regularExpressionEnd(source, i);
      blank(i + 1, end - 1);
      i = end;
      lastCode = 'x';
      word = '';
      continue;
    }
    if (c === '{') depth++;
    if (c === '}') {
      depth--;
      if (templates.at(-1) === depth) {
        templates.pop();
        i = template(i + 1);
        lastCode = source[i - 1] === '{' ? '{' : 'x';
        word = '';
        continue;
      }
    }
    if (/\S/.test(c)) {
      word = /[\w$]/.test(c) ? (/[\w$]/.test(source[i - 1] ?? '') ? word + c : c) : '';
      lastCode = c;
    }
    i++;
  }
  return { code: out.join(''), strings };
}

/** The line, from 1, on which an offset lies. */
export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i >= 0 && i < offset; i = source.indexOf('\n', i + 1)) line++;
  return line;
}

/** One import or re-export. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `import type` and `export type` leave nothing behind at run time. */
  readonly isTypeOnly: boolean;
  /** `import(...)`: loaded when that line runs. */
  readonly isDynamic: boolean;
}

const STATIC_IMPORT = /^(?:import|export)(\s+type\b(?!\s*,|\s+from))?(?:[^;'"]*?\bfrom)?\s*(?=['"])/gm;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(?=['"])/g;

/** What a file imports, in order of place. */
export function importsOf(source: string): readonly Import[] {
  const { code, strings } = scanSource(source);
  const byStart = new Map(strings.map((s) => [s.at, s.text]));
  const found: Import[] = [];
  for (const [pattern, isDynamic] of [
    [STATIC_IMPORT, false],
    [DYNAMIC_IMPORT, true],
  ] as const) {
    for (const match of code.matchAll(pattern)) {
      const at = match.index + match[0].length;
      const isTypeOnly = !isDynamic && match[1] !== undefined;
      found.push({ specifier: byStart.get(at)!, line: lineAt(source, at), isTypeOnly, isDynamic });
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

const VALUE_KEYWORDS =
  /^(return|typeof|case|in|of|do|else|void|delete|instanceof|new|throw|await|yield|default|extends)$/;

function beginsValue(lastCode: string, word: string): boolean {
  if (word !== '') return VALUE_KEYWORDS.test(word);
  return lastCode === '' || '(,=:[!&|?{};+-*%<>~^'.includes(lastCode);
}

function regularExpressionEnd(source: string, start: number): number {
  let isClass = false;
  let k = start + 1;
  for (; k < source.length && (isClass || source[k] !== '/') && source[k] !== '\n'; k++) {
    if (source[k] === '\\') k++;
    else if (source[k] === '[') isClass = true;
    else if (source[k] === ']') isClass = false;
  }
  return k + 1;
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}
