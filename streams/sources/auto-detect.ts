/** Which format a content is, by asking every format. */

import { AnteroomError } from '../../engine/errors.ts';
import type { Format } from '../format.ts';
import { columnsOf } from './delimited-dialect.ts';
import { BARE_RETURNS, hasBareReturns, headLines } from './text-head.ts';

/** How much decompressed content is looked at. */
export const HEAD_BYTES = 64 * 1024;
/** Two formats this close to each other are not told apart. */
const MARGIN = 0.01;
const GUESSES_SHOWN = 3;

/**
 * The format that is the surest of `head`.
 * @throws AnteroomError 'unknown-format' when none is at least half sure, or two are equally sure.
 */
export function detectFormat(formats: readonly Format[], head: Uint8Array, isWhole: boolean, file: string): Format {
  if (head.length === 0) throw unknownFormat(file, 'is empty', [], '');
  const guesses = formats
    .map((format) => ({ format, sureness: format.detect(head, isWhole) }))
    .filter(({ sureness }) => sureness > 0)
    // Stable: formats that are equally sure stay in the order of the registry.
    .sort((a, b) => b.sureness - a.sureness);
  const [best, second] = guesses;
  const names = guesses.slice(0, GUESSES_SHOWN).map(({ format }) => format.name);
  if (best === undefined || best.sureness < 0.5)
    throw unknownFormat(file, 'is in no format that is recognised', names, wayOut(head, isWhole), oddityOf(head));
  if (second !== undefined && second.sureness >= 0.5 && best.sureness - second.sureness < MARGIN) {
    const equals = guesses.filter(({ sureness }) => best.sureness - sureness < MARGIN).map(({ format }) => format.name);
    throw unknownFormat(file, 'fits more than one format', equals, BY_HAND);
  }
  return best.format;
}

const BY_HAND =
  '; say which with --format NAME (anteroom formats lists them), or for columns of text with --columns segment=...';

/** Texts that are no lines of records, and how a file of them becomes some. */
const oddities = {
  'UTF-16': 'it is text in UTF-16: iconv -f UTF-16 -t UTF-8 FILE | anteroom replay -',
  'carriage returns': BARE_RETURNS,
  'JSON array': `if it is a JSON array, give one object a line instead: jq -c '.[]' FILE | anteroom replay -`,
} as const;
type Oddity = keyof typeof oddities;

function oddityOf(head: Uint8Array): Oddity | null {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return 'UTF-16';
  if (hasBareReturns(head)) return 'carriage returns';
  const isArray = /^[^\p{L}\p{N}]*\[\s*\{/u.test(new TextDecoder().decode(head.subarray(0, ARRAY_LOOK)));
  return isArray ? 'JSON array' : null;
}

/** What whoever has a log that begins with `head` may do. */
function wayOut(head: Uint8Array, isWhole: boolean): string {
  const oddity = oddityOf(head);
  if (oddity !== null) return `; ${oddities[oddity]}`;
  const first = headLines(head, isWhole)[0];
  if (first === undefined) return '; say which with --format NAME (anteroom formats lists them)';
  const columns = columnsOf(first);
  if (columns === null || first.length > LINE_SHOWN_MAX) return BY_HAND;
  return `; say which with --format NAME, or which column holds what, as --columns time=1,segment=3. Its first line is ${columns}`;
}

/** Where a JSON array begins. */
const ARRAY_LOOK = 64;
/** A first line longer than that is no help in a message. */
const LINE_SHOWN_MAX = 4096;

function unknownFormat(
  file: string,
  problem: string,
  guesses: readonly string[],
  advice: string,
  oddity: Oddity | null = null,
): AnteroomError {
  const guess = guesses.length === 0 ? '' : ` (best guesses: ${guesses.join(', ')})`;
  return new AnteroomError('unknown-format', `${file} ${problem}${guess}${advice}`, {
    context: { file, guesses: guesses.join(','), ...(oddity === null ? {} : { oddity }) },
  });
}
