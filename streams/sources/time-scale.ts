/** The unit of numeric times: given, told by a column's name, or guessed by magnitude from the first time that is not 0. */

import { isTime } from '../access-batch.ts';
import type { FormatOptions } from '../format.ts';
import { decimalOf, isAbsent, MALFORMED, scaled } from './decimal-bytes.ts';
import { isoTimeOf } from './timestamp-bytes.ts';

export type TimeUnit = NonNullable<FormatOptions['timeUnit']>;

/** Power of ten that turns a unit into milliseconds. */
const POWERS: Readonly<Record<TimeUnit, number>> = { s: 3, ms: 0, us: -3, ns: -6 };

const UNIT_WORDS: Readonly<Record<string, TimeUnit>> = {
  s: 's',
  sec: 's',
  secs: 's',
  seconds: 's',
  ms: 'ms',
  msec: 'ms',
  millis: 'ms',
  milliseconds: 'ms',
  us: 'us',
  usec: 'us',
  micros: 'us',
  microseconds: 'us',
  ns: 'ns',
  nsec: 'ns',
  nanos: 'ns',
  nanoseconds: 'ns',
};

/** Splits `t_ms` into `t` and its unit; a name without a unit, and one that is nothing but a unit, is left whole. */
export function splitTimeUnit(name: string): { readonly base: string; readonly unit: TimeUnit | null } {
  const match = /^(.+)_([a-z]+)$/.exec(name);
  const unit = match === null ? undefined : UNIT_WORDS[match[2]!];
  return match === null || unit === undefined ? { base: name, unit: null } : { base: match[1]!, unit };
}

/**
 * Turns numbers into milliseconds, with one unit for a whole input.
 *
 * A guess takes values of 10^17 and more as nanoseconds, 10^14 microseconds, 10^11 milliseconds, else seconds: right for any
 * epoch time between 1973 and 5138. Gets wrong: times that count from the start of a trace in anything but seconds, which
 * need the unit said.
 */
export class TimeScale {
  /** Power of ten, or NaN while undecided. */
  #power: number;

  constructor(unit: TimeUnit | null) {
    this.#power = unit === null ? Number.NaN : POWERS[unit];
  }

  /** Milliseconds for an exact number; MALFORMED beyond the range of times. */
  msOf(value: number): number {
    if (Number.isNaN(this.#power)) this.#decide(value);
    const power = this.#power;
    return inRange(
      power === 0 ? value : power === 3 ? value * 1000 : Number.isNaN(power) ? value : scaled(value, power),
    );
  }

  /** Milliseconds for bytes [start, end): a number or ISO 8601; NaN when absent, MALFORMED when neither or beyond the range of times. */
  msOfBytes(bytes: Uint8Array, start: number, end: number): number {
    if (isAbsent(bytes, start, end)) return Number.NaN;
    let value = decimalOf(bytes, start, end, 0);
    if (value === MALFORMED || value === -MALFORMED) {
      value = isoTimeOf(bytes, start, end);
      return inRange(value);
    }
    if (Number.isNaN(this.#power)) this.#decide(value);
    if (Number.isNaN(this.#power) || this.#power === 0) return inRange(value);
    return inRange(decimalOf(bytes, start, end, this.#power));
  }

  #decide(value: number): void {
    const magnitude = Math.abs(value);
    if (magnitude === 0) return;
    this.#power = magnitude >= 1e17 ? -6 : magnitude >= 1e14 ? -3 : magnitude >= 1e11 ? 0 : 3;
  }
}

function inRange(timeMs: number): number {
  return isTime(timeMs) ? timeMs : MALFORMED;
}
