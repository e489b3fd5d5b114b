/** The command line of `npm run bench`. */

import { AnteroomError } from '../../engine/errors.ts';

export interface BenchArguments {
  readonly isList: boolean;
  readonly isHelp: boolean;
  /** Names asked for; empty = all. */
  readonly names: readonly string[];
  /** Null: as each bench says. */
  readonly runs: number | null;
  readonly scale: number;
  /** Null: beside the project, `../shared/traces`. */
  readonly traces: string | null;
}

export const USAGE = `npm run bench -- [NAME...] [--runs N] [--scale SHARE] [--traces FOLDER] [--list]

  NAME            benches to run; all when none is named
  --runs N        rounds that count (default: 5, or what the bench says)
  --scale SHARE   share of the full work, above 0 and at most 1 (default: 1)
  --traces FOLDER where the real traces are (default: ../shared/traces from the project's folder)
  --list          names the benches and what they compare

One JSON document on standard output, a table on standard error. Targets that are missed do not change the exit status.
`;

/**
 * Parses the words after `npm run bench --`; `known` are the names of the benches.
 * @throws AnteroomError('bad-usage') naming the word.
 */
export function parseBenchArguments(words: readonly string[], known: readonly string[]): BenchArguments {
  let isList = false;
  let isHelp = false;
  let runs: number | null = null;
  let scale = 1;
  let traces: string | null = null;
  const names: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const flag = equals < 0 ? word : word.slice(0, equals);
    const value = (): string => {
      const text = equals < 0 ? words[++i] : word.slice(equals + 1);
      if (text === undefined || text === '') throw new AnteroomError('bad-usage', `${flag}: expected a value`);
      return text;
    };
    if (word === '--list') isList = true;
    else if (word === '--help' || word === '-h') isHelp = true;
    else if (flag === '--runs') runs = wholeNumber(flag, value());
    else if (flag === '--scale') scale = share(flag, value());
    else if (flag === '--traces') traces = value();
    else if (word.startsWith('-')) throw new AnteroomError('bad-usage', `no option ${word}`);
    else if (!known.includes(word)) {
      throw new AnteroomError('bad-usage', `no bench "${word}": expected one of ${known.join(', ')}`);
    } else if (!names.includes(word)) names.push(word);
  }
  return { isList, isHelp, names, runs, scale, traces };
}

function wholeNumber(flag: string, text: string): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new AnteroomError('bad-usage', `${flag}: expected a whole number from 1, found "${text}"`);
  return value;
}

function share(flag: string, text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  if (!(value > 0 && value <= 1)) {
    throw new AnteroomError('bad-usage', `${flag}: expected a share above 0 and at most 1, found "${text}"`);
  }
  return value;
}
