/** Decimal numbers read from bytes in place. */

/** What the byte parsers give for bytes that are not what they parse; no valid value is infinite. */
export const MALFORMED = Number.POSITIVE_INFINITY;

const POWERS_OF_TEN = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
] as const;
/** Below it another digit can be appended and the sum is still exact. */
const APPENDABLE_MAX = 900_719_925_474_098;

/**
 * The number in bytes [start, end) times 10^scale, or MALFORMED. Surrounding spaces are passed over.
 *
 * Up to 15 significant digits the result is the nearest double (Clinger 1990: an exact integer and an exact power of ten
 * make one rounding); fraction digits beyond that are dropped, integer digits beyond cost a few units in the last place.
 */
export function decimalOf(bytes: Uint8Array, start: number, end: number, scale: number): number {
  let at = start;
  let last = end;
  while (at < last && bytes[at] === 32) at++;
  while (at < last && bytes[last - 1] === 32) last--;
  let isNegative = false;
  if (at < last && (bytes[at] === 45 || bytes[at] === 43)) isNegative = bytes[at++] === 45;
  let mantissa = 0;
  let digits = 0;
  let exponent = scale;
  for (; at < last && isDigit(bytes[at]!); at++) {
    mantissa = mantissa * 10 + (bytes[at]! - 48);
    digits++;
  }
  if (at < last && bytes[at] === 46) {
    at++;
    for (; at < last && isDigit(bytes[at]!); at++) {
      digits++;
      if (mantissa > APPENDABLE_MAX) continue;
      mantissa = mantissa * 10 + (bytes[at]! - 48);
      exponent--;
    }
  }
  if (digits === 0) return MALFORMED;
  if (at < last && (bytes[at]! | 32) === 101) {
    at++;
    let sign = 1;
    if (at < last && (bytes[at] === 45 || bytes[at] === 43)) sign = bytes[at++] === 45 ? -1 : 1;
    let power = 0;
    const powerStart = at;
    for (; at < last && isDigit(bytes[at]!); at++) power = Math.min(power * 10 + (bytes[at]! - 48), 1000);
    if (at === powerStart) return MALFORMED;
    exponent += sign * power;
  }
  if (at !== last) return MALFORMED;
  const magnitude = scaled(mantissa, exponent);
  return isNegative ? -magnitude : magnitude;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** `mantissa` * 10^exponent; MALFORMED when it overflows. */
export function scaled(mantissa: number, exponent: number): number {
  if (exponent === 0) return mantissa;
  if (exponent > 0 && exponent <= 22) return mantissa * POWERS_OF_TEN[exponent]!;
  if (exponent < 0 && exponent >= -22) return mantissa / POWERS_OF_TEN[-exponent]!;
  const value = Number(`${mantissa}e${exponent}`);
  return Number.isNaN(value) ? MALFORMED : value;
}

/** Whether bytes [start, end) say that there is no value: empty, `-`, `-1`, `NA`, `nan`, `null`, `none`, `\N`. */
export function isAbsent(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let last = end;
  while (at < last && bytes[at] === 32) at++;
  while (at < last && bytes[last - 1] === 32) last--;
  const length = last - at;
  if (length === 0) return true;
  if (length > 4) return false;
  const first = bytes[at]!;
  if (length === 1) return first === 45;
  const second = bytes[at + 1]! | 32;
  if (length === 2)
    return (
      (first === 45 && bytes[at + 1] === 49) ||
      ((first | 32) === 110 && second === 97) ||
      (first === 92 && second === 110)
    );
  const third = bytes[at + 2]! | 32;
  if ((first | 32) !== 110) return false;
  if (length === 3) return second === 97 && third === 110;
  const fourth = bytes[at + 3]! | 32;
  return (second === 117 && third === 108 && fourth === 108) || (second === 111 && third === 110 && fourth === 101);
}
