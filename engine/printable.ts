/** Text that strangers wrote, such as names in a log, made safe for a terminal and for one line. */

const LEAST_ACCENT = 0xa0;

/** Control characters, and those that turn the direction of the line after them, as `\xNN`, and no more than `lengthMax` characters. Line feeds are control characters too. */
export function printable(text: string, lengthMax = Number.POSITIVE_INFINITY): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}...` : text;
  let line = '';
  for (const character of cut) {
    const code = character.codePointAt(0)!;
    const isControl = code < 0x20 || (code >= 0x7f && code < LEAST_ACCENT);
    const isTurn = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    line += isControl || isTurn ? `\\x${code.toString(16).padStart(2, '0')}` : character;
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
