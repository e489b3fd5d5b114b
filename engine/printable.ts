/** Text that strangers wrote, such as names in a log, made safe for a terminal and for one line. */

const LEAST_ACCENT = 0xa0;

/** What turns the direction of a line about, or ends it: bidirectional marks, overrides and isolates, line and paragraph separators. */
const turnsLine = (code: number): boolean =>
  code === 0x61c ||
  code === 0x200e ||
  code === 0x200f ||
  (code >= 0x2028 && code <= 0x202e) ||
  (code >= 0x2066 && code <= 0x2069);

/** Control characters as `\xNN`, those that turn or end a line as `\u{NNNN}`, and no more than `lengthMax` characters. Line feeds are control characters too. */
export function printable(text: string, lengthMax = Number.POSITIVE_INFINITY): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}...` : text;
  let line = '';
  for (const character of cut) {
    const code = character.codePointAt(0)!;
    const isControl = code < 0x20 || (code >= 0x7f && code < LEAST_ACCENT);
    if (isControl) line += `\\x${code.toString(16).padStart(2, '0')}`;
    else line += turnsLine(code) ? `\\u{${code.toString(16)}}` : character;
  }
  return line;
}

/** The same for text of several lines. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}

/** A value with every text in it, keys too, as one line of at most `lengthMax` characters. */
export function printableTexts<T>(value: T, lengthMax: number): T {
  if (typeof value === 'string') return printable(value, lengthMax) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => printableTexts(one, lengthMax)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [printable(key, lengthMax), printableTexts<unknown>(one, lengthMax)]),
  ) as T;
}
