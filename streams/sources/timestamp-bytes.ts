/** Timestamps read from bytes in place: ISO 8601 and the Common Log Format. All give milliseconds since the Unix epoch. */

import { MALFORMED } from './decimal-bytes.ts';

const DAY_MS = 86_400_000;
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * `2015-05-17T10:05:03.123+02:00` in bytes [from, end), or MALFORMED. The date may stand alone (midnight); `T` may be a space;
 * seconds, fraction (`.` or `,`, any length) and zone (`Z`, `UTC`, `GMT`, `+hh:mm`, `+hhmm`, `+hh`, a space before it) may be left
 * out: no zone means UTC. It may stand in square brackets, as in logs of nginx and Envoy.
 */
export function isoTimeOf(bytes: Uint8Array, from: number, end: number): number {
  let start = from;
  let last = end;
  while (last > start && bytes[last - 1] === 32) last--;
  if (bytes[start] === 91 && bytes[last - 1] === 93) {
    start++;
    last--;
  }
  const length = last - start;
  if (length < 10 || bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return MALFORMED;
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
  const dateMs = dateMsOf(year, twoDigits(bytes, start + 5), twoDigits(bytes, start + 8));
  if (length === 10) return dateMs;
  const separator = bytes[start + 10]!;
  if ((separator | 32) !== 116 && separator !== 32) return MALFORMED;
  if (length < 16 || bytes[start + 13] !== 58) return MALFORMED;
  let at = start + 16;
  let seconds = 0;
  let fractionMs = 0;
  if (at < last && bytes[at] === 58) {
    if (at + 3 > last) return MALFORMED;
    seconds = twoDigits(bytes, at + 1);
    at += 3;
    if (at < last && (bytes[at] === 46 || bytes[at] === 44)) {
      at++;
      let fraction = 0;
      let unit = 1;
      const fractionStart = at;
      for (; at < last; at++) {
        const digit = bytes[at]! - 48;
        if (digit < 0 || digit > 9) break;
        if (unit >= 1e9) continue;
        fraction = fraction * 10 + digit;
        unit *= 10;
      }
      if (at === fractionStart) return MALFORMED;
      fractionMs = (fraction * 1000) / unit;
    }
  }
  const clockMs = clockMsOf(twoDigits(bytes, start + 11), twoDigits(bytes, start + 14), seconds);
  const zoneMs = zoneMsOf(bytes, at, last);
  return dateMs + clockMs + fractionMs - zoneMs;
}

// Of the last time that was read: all but its seconds as they stood, and what they come to. A log has many lines a minute.
let known0 = 0;
let known4 = 0;
let known8 = 0;
let known12 = 0;
let known14 = 0;
let known20 = 0;
let known22 = 0;
let knownMinuteMs = MALFORMED;

/** `17/May/2015:10:05:03 +0000`, 26 bytes from `start`, or MALFORMED. The caller sees to it that they are there; `view` is of `bytes`. */
export function clfTimeOf(bytes: Uint8Array, view: DataView, start: number): number {
  const at = start | 0;
  // A line may be shorter than a time, at the end of the text.
  if (at + 26 > bytes.length) return MALFORMED;
  if (
    view.getInt32(at, true) !== known0 ||
    view.getInt32(at + 4, true) !== known4 ||
    view.getInt32(at + 8, true) !== known8 ||
    view.getInt32(at + 12, true) !== known12 ||
    view.getInt32(at + 14, true) !== known14 ||
    view.getInt32(at + 20, true) !== known20 ||
    view.getInt32(at + 22, true) !== known22
  ) {
    const minuteMs = clfMinuteOf(bytes, at);
    if (minuteMs === MALFORMED) return MALFORMED;
    known0 = view.getInt32(at, true);
    known4 = view.getInt32(at + 4, true);
    known8 = view.getInt32(at + 8, true);
    known12 = view.getInt32(at + 12, true);
    known14 = view.getInt32(at + 14, true);
    known20 = view.getInt32(at + 20, true);
    known22 = view.getInt32(at + 22, true);
    knownMinuteMs = minuteMs;
  }
  const tens = bytes[at + 18]! - 48;
  const ones = bytes[at + 19]! - 48;
  const seconds = tens * 10 + ones;
  if (tens < 0 || ones < 0 || ones > 9 || seconds > 60) return MALFORMED;
  return knownMinuteMs + seconds * 1000;
}

/** The same at second 0. */
function clfMinuteOf(bytes: Uint8Array, start: number): number {
  if (
    bytes[start + 2] !== 47 ||
    bytes[start + 6] !== 47 ||
    bytes[start + 11] !== 58 ||
    bytes[start + 14] !== 58 ||
    bytes[start + 17] !== 58 ||
    bytes[start + 20] !== 32
  )
    return MALFORMED;
  const year = twoDigits(bytes, start + 7) * 100 + twoDigits(bytes, start + 9);
  const month = monthOf(bytes[start + 3]!, bytes[start + 4]!, bytes[start + 5]!);
  const dateMs = dateMsOf(year, month, twoDigits(bytes, start));
  const clockMs = clockMsOf(twoDigits(bytes, start + 12), twoDigits(bytes, start + 15), 0);
  const sign = bytes[start + 21];
  if (sign !== 43 && sign !== 45) return MALFORMED;
  const zoneMs = offsetMsOf(twoDigits(bytes, start + 22), twoDigits(bytes, start + 24));
  if (zoneMs === MALFORMED) return MALFORMED;
  return dateMs + clockMs - (sign === 45 ? -zoneMs : zoneMs);
}

/** Midnight of a date of the proleptic Gregorian calendar (`days_from_civil` of Hinnant's "chrono-Compatible Low-Level Date Algorithms"). */
export function dateMsOf(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= MONTH_DAYS[month - 1]! && year >= 0)) return MALFORMED;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return MALFORMED;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * DAY_MS;
}

/** Milliseconds into a day; a leap second (60) counts as the next minute's first. */
export function clockMsOf(hours: number, minutes: number, seconds: number): number {
  if (!(hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && seconds >= 0 && seconds <= 60)) return MALFORMED;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** Two digits at `at`, or NaN. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - 48;
  const ones = bytes[at + 1]! - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** A fault gives -MALFORMED, so that subtracting it gives MALFORMED. */
function zoneMsOf(bytes: Uint8Array, from: number, end: number): number {
  if (from === end) return 0;
  const start = bytes[from] === 32 ? from + 1 : from;
  const first = bytes[start]!;
  if ((first | 32) === 122) return start + 1 === end ? 0 : -MALFORMED;
  if (end - start === 3 && isUtc(first, bytes[start + 1]!, bytes[start + 2]!)) return 0;
  if ((first !== 43 && first !== 45) || end - start < 3) return -MALFORMED;
  let at = start + 3;
  let minutes = 0;
  if (at < end) {
    if (bytes[at] === 58) at++;
    if (end - at !== 2) return -MALFORMED;
    minutes = twoDigits(bytes, at);
  }
  const offset = offsetMsOf(twoDigits(bytes, start + 1), minutes);
  if (offset === MALFORMED) return -MALFORMED;
  return first === 45 ? -offset : offset;
}

/** `UTC` or `GMT`. */
function isUtc(a: number, b: number, c: number): boolean {
  return (a === 85 && b === 84 && c === 67) || (a === 71 && b === 77 && c === 84);
}

function offsetMsOf(hours: number, minutes: number): number {
  return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 ? (hours * 60 + minutes) * 60_000 : MALFORMED;
}

/** 1..12 by the first three letters, case as Apache writes it; 0 for anything else. */
function monthOf(a: number, b: number, c: number): number {
  switch ((a << 16) | (b << 8) | c) {
    case 0x4a616e:
      return 1;
    case 0x466562:
      return 2;
    case 0x4d6172:
      return 3;
    case 0x417072:
      return 4;
    case 0x4d6179:
      return 5;
    case 0x4a756e:
      return 6;
    case 0x4a756c:
      return 7;
    case 0x417567:
      return 8;
    case 0x536570:
      return 9;
    case 0x4f6374:
      return 10;
    case 0x4e6f76:
      return 11;
    case 0x446563:
      return 12;
    default:
      return 0;
  }
}
