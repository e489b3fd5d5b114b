/** Checks configuration against a strict schema and says in one line what is wrong and where. */

import { z } from 'zod';
import { AnteroomError, type ErrorCode } from './errors.ts';
import { parseBytes, parseDuration, parseRate } from './units.ts';

/** Problems that one error names. */
const PROBLEMS_TOLD = 5;

/**
 * Parses `value`, filling in defaults. Schemas are `z.strictObject`, so an unknown key is an error and not ignored.
 * @param source what the value came from, a file name for instance; it leads the message
 * @param code of the error; settings of a command line are `bad-usage`
 * @throws AnteroomError `bad-config` with one line: source, then path and what was expected of each of the first five problems, and how many more there are
 */
export function parseConfig<S extends z.ZodType>(
  schema: S,
  value: unknown,
  source = 'config',
  code: ErrorCode = 'bad-config',
): z.output<S> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issues = result.error.issues;
  const problems = issues.slice(0, PROBLEMS_TOLD).map((issue) => describeIssue(issue));
  const told = problems.map(({ path, text }) => `${path}: ${text}`).join('; ');
  const more = issues.length > PROBLEMS_TOLD ? ` (and ${issues.length - PROBLEMS_TOLD} more)` : '';
  throw new AnteroomError(code, `${source}: ${told}${more}`.replace(/\s+/g, ' '), {
    context: { source, path: problems[0]!.path, problemCount: issues.length },
  });
}

/** A size in bytes: a whole number, or text such as `64MiB`. */
export function bytesField(limits: { readonly minBytes?: number; readonly maxBytes?: number } = {}) {
  return unitField(parseBytes, limits.minBytes ?? 0, limits.maxBytes ?? Number.MAX_SAFE_INTEGER, true);
}

/** A duration in ms: a number of milliseconds, or text such as `50ms`. */
export function durationField(limits: { readonly minMs?: number; readonly maxMs?: number } = {}) {
  return unitField(parseDuration, limits.minMs ?? 0, limits.maxMs ?? Number.MAX_VALUE, false);
}

/** A rate in bytes per second: a number, or text such as `20MB/s`. */
export function rateField(limits: { readonly minBytesPerSecond?: number } = {}) {
  return unitField(parseRate, limits.minBytesPerSecond ?? 0, Number.MAX_SAFE_INTEGER, false);
}

function unitField(parse: (text: string) => number, min: number, max: number, isWhole: boolean) {
  return z.union([z.number(), z.string()]).transform((input, context): number => {
    const amount = typeof input === 'number' ? input : tryParse(parse, input, context);
    if (amount === undefined) return z.NEVER;
    if (isWhole && !Number.isInteger(amount)) refuse(context, `expected a whole number, not ${amount}`, input);
    else if (amount < min) refuse(context, `expected at least ${min}, not ${amount}`, input);
    else if (amount > max) refuse(context, `expected at most ${max}, not ${amount}`, input);
    return amount;
  });
}

function tryParse(parse: (text: string) => number, text: string, context: z.RefinementCtx): number | undefined {
  try {
    return parse(text);
  } catch (error) {
    refuse(context, error instanceof Error ? error.message : String(error), text);
    return undefined;
  }
}

function refuse(context: z.RefinementCtx, message: string, input: unknown): void {
  context.addIssue({ code: 'custom', message, input });
}

/** Where something is wrong, and what in the words of all settings. */
export function describeIssue(issue: z.core.$ZodIssue): { readonly path: string; readonly text: string } {
  const path = printPath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return { path: printPath([...issue.path, issue.keys[0] as string]), text: 'unknown setting' };
  }
  const said = issue.message
    .replace(/^Invalid (input|option): /, '')
    // What was found follows.
    .replace(/^(expected \w+), received (number|string|boolean|undefined|NaN)$/i, '$1')
    .replace(/^Invalid discriminator value\. Expected/, 'expected');
  const text = boundText(issue) ?? said;
  const found = issue.code === 'custom' ? undefined : foundValue(issue);
  return { path, text: found === undefined || SECRET.test(path) ? text : `${text}, not ${found}` };
}

/** Settings below these are secrets, or hold some: what was found there is not shown, since errors are logged. */
const SECRET = /(token|secret|password|credential|header|authorization)/i;

/** What was found, where it can be shown: of a list or a group its kind is told already, and what is in it may be secret. */
function foundValue(issue: z.core.$ZodIssue): string | undefined {
  const { input } = issue;
  if (typeof input !== 'object' || input === null) return input === undefined ? undefined : show(input);
  const { discriminator } = issue as { readonly discriminator?: string };
  const kind = discriminator === undefined ? undefined : (input as Readonly<Record<string, unknown>>)[discriminator];
  return typeof kind === 'string' ? show(kind) : undefined;
}

/** A number beyond its bound, in the words that the units' fields use; null = it is something else. */
function boundText(issue: z.core.$ZodIssue): string | null {
  const isNumber = issue.code === 'too_small' || issue.code === 'too_big';
  if (!isNumber || !['number', 'int', 'bigint'].includes(issue.origin)) return null;
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const words = issue.code === 'too_small' ? ['more than', 'at least'] : ['less than', 'at most'];
  return `expected ${words[issue.inclusive === false ? 0 : 1]} ${bound}`;
}

function printPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text === '' ? '(top level)' : text;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
