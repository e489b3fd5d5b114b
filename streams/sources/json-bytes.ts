/** JSON (RFC 8259) checked and measured in bytes, without building anything. */

const LINE_FEED = 10;
const QUOTE = 34;
const BACKSLASH = 92;
/** Nesting beyond it is refused, as the check calls itself. */
const DEPTH_MAX = 256;

/** A fault at `pos`, as the scanners return it; `faultOf` turns it back. */
export function faultAt(pos: number): number {
  return -1 - pos;
}

/** Whether the last string that `stringEnd` measured holds an escape; beside it because a hot loop cannot return an object. */
export let hasEscape = false;

/** The closing quote of the string whose first character is at `pos`, or a fault. */
export function stringEnd(bytes: Uint8Array, pos: number): number {
  hasEscape = false;
  let at = pos;
  for (;;) {
    const b = bytes[at]!;
    if (b === QUOTE) return at;
    if (b < 32) return faultAt(at);
    if (b === BACKSLASH) {
      hasEscape = true;
      at++;
      switch (bytes[at]) {
        case 34: // "
        case 47: // /
        case 92: // \
        case 98: // b
        case 102: // f
        case 110: // n
        case 114: // r
        case 116: // t
          break;
        case 117: // u
          for (let i = 1; i <= 4; i++) if (!isHex(bytes[at + i]!)) return faultAt(at + i);
          at += 4;
          break;
        default:
          return faultAt(at);
      }
    }
    at++;
  }
}

/** The first byte after the number at `pos`, or a fault. */
export function numberEnd(bytes: Uint8Array, pos: number): number {
  let at = pos;
  if (bytes[at] === 45) at++;
  if (bytes[at] === 48) at++;
  else {
    const from = at;
    while (isDigit(bytes[at]!)) at++;
    if (at === from) return faultAt(at);
  }
  if (bytes[at] === 46) {
    const from = ++at;
    while (isDigit(bytes[at]!)) at++;
    if (at === from) return faultAt(at);
  }
  if ((bytes[at]! | 32) === 101) {
    at++;
    if (bytes[at] === 43 || bytes[at] === 45) at++;
    const from = at;
    while (isDigit(bytes[at]!)) at++;
    if (at === from) return faultAt(at);
  }
  return at;
}

/** The first byte after the value at `pos`, or a fault. */
export function valueEnd(bytes: Uint8Array, pos: number, depth = 0): number {
  switch (bytes[pos]) {
    case QUOTE: {
      const end = stringEnd(bytes, pos + 1);
      return end < 0 ? end : end + 1;
    }
    case 116:
      return literalEnd(bytes, pos, 'true');
    case 102:
      return literalEnd(bytes, pos, 'false');
    case 110:
      return literalEnd(bytes, pos, 'null');
    case 91:
      return containerEnd(bytes, pos, depth, false);
    case 123:
      return containerEnd(bytes, pos, depth, true);
    default:
      return numberEnd(bytes, pos);
  }
}

/** The first byte at or after `pos` that is not a space; a line feed is not one here, records end there. */
export function afterSpace(bytes: Uint8Array, pos: number): number {
  let at = pos;
  while (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13) at++;
  return at;
}

function containerEnd(bytes: Uint8Array, pos: number, depth: number, isObject: boolean): number {
  if (depth >= DEPTH_MAX) return faultAt(pos);
  const close = isObject ? 125 : 93;
  let at = afterSpace(bytes, pos + 1);
  if (bytes[at] === close) return at + 1;
  for (;;) {
    if (isObject) {
      if (bytes[at] !== QUOTE) return faultAt(at);
      const keyEnd = stringEnd(bytes, at + 1);
      if (keyEnd < 0) return keyEnd;
      at = afterSpace(bytes, keyEnd + 1);
      if (bytes[at] !== 58) return faultAt(at);
      at = afterSpace(bytes, at + 1);
    }
    const end = valueEnd(bytes, at, depth + 1);
    if (end < 0) return end;
    at = afterSpace(bytes, end);
    if (bytes[at] === close) return at + 1;
    if (bytes[at] !== 44) return faultAt(at);
    at = afterSpace(bytes, at + 1);
    if (bytes[at] === LINE_FEED) return faultAt(at);
  }
}

function literalEnd(bytes: Uint8Array, pos: number, literal: string): number {
  for (let i = 0; i < literal.length; i++) if (bytes[pos + i] !== literal.charCodeAt(i)) return faultAt(pos + i);
  return pos + literal.length;
}

function isDigit(b: number): boolean {
  return b >= 48 && b <= 57;
}

function isHex(b: number): boolean {
  return isDigit(b) || ((b | 32) >= 97 && (b | 32) <= 102);
}
