/** Names that are not UTF-8, as text: bytes that are none become escapes, and no two names the same text. */

/** The sequences that `escapeBytes` can write. */
const ESCAPE = /\\(x(?:5c|[89a-f][0-9a-f]))/g;
const HAS_ESCAPE = /\\x(?:5c|[89a-f][0-9a-f])/;

/** Whether a name holds a sequence that may stand for a byte. */
export function hasEscape(name: string): boolean {
  return HAS_ESCAPE.test(name);
}

/** Text with the backslash of every such sequence escaped in turn, so that it is told apart from what stands for a byte. */
export function escapeLiteral(text: string): string {
  return text.includes('\\x') ? text.replace(ESCAPE, '\\x5c$1') : text;
}

/** Well-formed UTF-8 as it is, a backslash before an escape's letters and every other byte as `\xNN`. */
export function escapeBytes(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let plainFrom = 0;
  const flush = (to: number): void => {
    if (to > plainFrom) text += escapeLiteral(decoder.decode(bytes.subarray(plainFrom, to)));
  };
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length > 0) {
      i += length;
      continue;
    }
    flush(i);
    text += `\\x${bytes[i]!.toString(16)}`;
    plainFrom = ++i;
  }
  flush(bytes.length);
  return text;
}

/** Length of the well-formed UTF-8 sequence at `at` (RFC 3629, section 4), or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1]!;
  const secondMin = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const secondMax = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < secondMin || second > secondMax) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

/** The bytes that a name written by `escapeBytes` or `escapeLiteral` stands for. */
export function unescapeBytes(name: string): Uint8Array {
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  let from = 0;
  for (const match of name.matchAll(ESCAPE)) {
    bytes.push(...encoder.encode(name.slice(from, match.index)), Number.parseInt(match[1]!.slice(1), 16));
    from = match.index + 4;
  }
  bytes.push(...encoder.encode(name.slice(from)));
  return Uint8Array.from(bytes);
}
