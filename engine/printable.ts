/** Text that strangers wrote, such as names in a log, made safe for a terminal and for one line. */

/**
 * Control characters as `\xNN`, those that turn or end a line as `\u{NNNN}`, and no more than `lengthMax` UTF-16 units, cut between two graphemes, as far as
 * marks, joined emoji and flags go (after Unicode Standard Annex 29). Line feeds are control characters too. Its source text is inlined into pages, so it must need nothing but its arguments.
 */
export function printable(text: string, lengthMax = Number.POSITIVE_INFINITY): string {
  const cut = (): string => {
    // The commonest end first: what comes after it is no mark and no half of a pair.
    if (text.charCodeAt(lengthMax) < 0x300) return `${text.slice(0, lengthMax)}...`;
    const grapheme =
      /(?:\p{RI}\p{RI}|[\s\S])(?:[\p{M}\p{Emoji_Modifier}\u{e0020}-\u{e007f}]|\u200d\p{Extended_Pictographic}?)*/gu;
    let at = 0;
    for (const [{ length }] of text.slice(0, lengthMax + 2).matchAll(grapheme)) {
      if (at + length > lengthMax) break;
      at += length;
    }
    // Marks upon marks: all would be cut.
    if (at === 0) at = /[\ud800-\udbff]/.test(text.charAt(lengthMax - 1)) ? lengthMax - 1 : lengthMax;
    return `${text.slice(0, at)}...`;
  };
  let line = '';
  for (const character of text.length > lengthMax ? cut() : text) {
    const code = character.codePointAt(0)!;
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    // Bidirectional marks, overrides and isolates, line and paragraph separators.
    const turnsLine =
      code === 0x61c ||
      code === 0x200e ||
      code === 0x200f ||
      (code >= 0x2028 && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069);
    if (isControl) line += `\\x${code.toString(16).padStart(2, '0')}`;
    else line += turnsLine ? `\\u{${code.toString(16)}}` : character;
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
