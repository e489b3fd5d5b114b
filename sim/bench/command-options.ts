/** The options of a bench that is a command of its own: declared where it starts, read once, and refused in one line. */

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AnteroomError } from '../../engine/errors.ts';

/** One option: what it is where nobody says, and how its words are read. A flag takes no words. */
export interface CommandOption<T> {
  readonly isFlag: boolean;
  readonly byDefault: T;
  /** @throws AnteroomError with what was expected. */
  read(text: string): T;
}

type ValuesOf<O> = { readonly [K in keyof O]: O[K] extends CommandOption<infer T> ? T : never };

/** An option whose default is written as a user would write it. */
export function option<T>(byDefault: string, read: (text: string) => T): CommandOption<T> {
  return { isFlag: false, byDefault: read(byDefault), read };
}

/** An option that stands for nothing where it is not given. */
export function optional<T>(read: (text: string) => T): CommandOption<T | null> {
  return { isFlag: false, byDefault: null, read };
}

/** `--name`, and `--no-name` against a default of true. */
export function flag(byDefault = false): CommandOption<boolean> {
  return { isFlag: true, byDefault, read: () => true };
}

export function text(words: string): string {
  return words;
}

/** Reads a whole number from `least` on. */
export function wholeFrom(least: number): (words: string) => number {
  return (words) => {
    const value = /^\d{1,12}$/.test(words) ? Number(words) : Number.NaN;
    if (!(value >= least)) throw refusal(`a whole number from ${least}`, words);
    return value;
  };
}

/** Reads a number of at least `least`. */
export function numberFrom(least: number): (words: string) => number {
  return (words) => {
    const value = /^\d*\.?\d+$/.test(words) ? Number(words) : Number.NaN;
    if (!(value >= least)) throw refusal(`a number of at least ${least}`, words);
    return value;
  };
}

/** Leaves the words as they are where `check` does not throw. */
export function checked(check: (words: string) => unknown): (words: string) => string {
  return (words) => {
    check(words);
    return words;
  };
}

/** Reads a number above 0. */
export function positive(words: string): number {
  const value = /^\d*\.?\d+$/.test(words) ? Number(words) : 0;
  if (!(value > 0)) throw refusal('a number above 0', words);
  return value;
}

/** Reads one of the names. */
export function oneOf<N extends string>(names: readonly N[]): (words: string) => N {
  return (words) => {
    const name = names.find((known) => known === words);
    if (name === undefined) throw refusal(`one of ${names.join(', ')}`, words);
    return name;
  };
}

/** Reads what stands between commas. */
export function list<T>(read: (text: string) => T, separator = ','): (words: string) => readonly T[] {
  return (words) => words.split(separator).map(read);
}

/** Reads a JSON object. */
export function jsonObject(words: string): object {
  try {
    const value: unknown = JSON.parse(words);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw refusal('an object as JSON', words);
}

function refusal(expected: string, found: string): AnteroomError {
  return new AnteroomError('bad-usage', `expected ${expected}, found "${found}"`);
}

/**
 * Reads the words after the command.
 * @throws AnteroomError('bad-usage') that names everything that is wrong with them, on one line.
 */
export function parseCommandOptions<O extends Readonly<Record<string, CommandOption<unknown>>>>(
  words: readonly string[],
  options: O,
): ValuesOf<O> {
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { isFlag }]) => [name, { type: isFlag ? 'boolean' : 'string' }]),
    ),
    // What is wrong is said below, all of it.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const faults: string[] = [];
  const unknown: string[] = [];
  const values = new Map<string, unknown>(Object.entries(options).map(([name, { byDefault }]) => [name, byDefault]));
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      faults.push(`nothing is done with "${token.value}"`);
      continue;
    }
    const { rawName, value, inlineValue } = token;
    const known = named(options, token.name);
    const denied = rawName.startsWith('--no-') ? rawName.slice('--no-'.length) : '';
    if (named(options, denied)?.isFlag === true && value === undefined) values.set(denied, false);
    else if (known === undefined) unknown.push(rawName);
    else if (known.isFlag && value !== undefined) faults.push(`${rawName}: takes no value, found "${value}"`);
    else if (!known.isFlag && (value === undefined || value === '' || (!inlineValue && value.startsWith('--'))))
      faults.push(`${rawName}: expected a value`);
    else {
      try {
        values.set(token.name, known.read(value ?? ''));
      } catch (error) {
        if (!(error instanceof AnteroomError)) throw error;
        // Readers that the command shares name its option themselves.
        faults.push(`${rawName}: ${error.message.replace(/^--[\w-]+: /, '')}`);
      }
    }
  }
  const all = Object.keys(options).map((name) => `--${name}`);
  if (unknown.length > 0) faults.push(`no option ${unknown.join(', ')}; there are ${all.join(', ')}`);
  if (faults.length > 0) throw new AnteroomError('bad-usage', faults.join('; '));
  return Object.fromEntries(values) as ValuesOf<O>;
}

function named<T>(options: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/** The options of this process. What is wrong with them ends it, with one line on standard error and exit status 2. */
export function commandOptions<O extends Readonly<Record<string, CommandOption<unknown>>>>(
  bench: string,
  options: O,
): ValuesOf<O> {
  try {
    return parseCommandOptions(process.argv.slice(2), options);
  } catch (error) {
    if (!(error instanceof AnteroomError)) throw error;
    return refuse(bench, error.message);
  }
}

/** The file of each trace, by name or by path, among those of the folder `shared`; one that is not there ends the process as a bad option does. */
export function traceFiles(bench: string, shared: string, names: readonly string[]): readonly string[] {
  const folder = traceFolder(bench, shared);
  return names.map((name) => {
    const file = name.includes('/')
      ? [name]
      : ['csv', 'jsonl'].map((kind) => `${folder}/${name}.${kind}.gz`).filter((path) => existsSync(path));
    if (file[0] === undefined || !existsSync(file[0]))
      return refuse(bench, `--traces: there is no ${name} in ${folder}`);
    return file[0];
  });
}

/** The folder of the real traces; where it is not there the process ends. */
export function traceFolder(bench: string, shared: string): string {
  const folder = `${shared}/traces`;
  if (!existsSync(folder)) refuse(bench, `needs the real traces; there is no ${folder} (--shared FOLDER)`);
  return folder;
}

/** Ends the process: one line on standard error, exit status 2. */
export function refuse(bench: string, why: string): never {
  process.stderr.write(`${bench}: ${why.split('\n').join(' ')}\n`);
  return process.exit(2);
}
