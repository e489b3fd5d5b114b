/** The clock that consumers live by: its offset from UTC at any instant, and where its hours begin and end. */

import { z } from 'zod';
import { assert } from '../engine/assert.ts';
import { isTimeZoneName, timeZoneOffsets } from '../engine/host/time-zone-offset.ts';
import { hourMs } from './aggregator/hour-of-week.ts';

export interface TimeZone {
  /** Milliseconds to add to an instant (ms since the epoch) to read the local clock. */
  offsetMsAt(timeMs: number): number;
}

const fixedOffsetPattern = /^([+-])(\d{2}):(\d{2})$/;

/** Whether {@link zoneNamed} knows the name. */
export function isTimeZone(name: string): boolean {
  // Asking the platform loads its time-zone data, which takes longer than all else of a start that needs no zone.
  if (name === 'UTC') return true;
  const fixed = fixedOffsetPattern.exec(name);
  return fixed === null ? isTimeZoneName(name) : Number(fixed[2]) <= 14 && Number(fixed[3]) < 60;
}

/** A setting that names a clock; UTC where it is left out. */
export const timeZoneSchema = z
  .string()
  .refine(isTimeZone, 'expected an IANA time zone, such as Europe/Berlin, or an offset, such as +05:30')
  .default('UTC')
  .describe(
    'Clock that consumers live by, with its daylight saving, by which hours of the day and the week are counted: an IANA name, or a fixed offset as +05:30.',
  );

/** An IANA zone with its daylight saving (`Europe/Berlin`, `UTC`), or a fixed offset (`+05:30`). */
export function zoneNamed(name: string): TimeZone {
  assert(isTimeZone(name), `${name} is a time zone`);
  if (name === 'UTC') return fixedOffset(0);
  const fixed = fixedOffsetPattern.exec(name);
  if (fixed === null) return { offsetMsAt: timeZoneOffsets(name) };
  const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
  return fixedOffset(fixed[1] === '-' ? -minutes : minutes);
}

/** A clock that is always `minutes` ahead of UTC. */
export function fixedOffset(minutes: number): TimeZone {
  const offsetMs = minutes * 60_000;
  return { offsetMsAt: () => offsetMs };
}

/** A stretch of time in which the local clock shows one hour and is not changed. */
export interface ClockHour {
  /** Hours since 1970-01-01 00:00 on the local clock. */
  readonly number: number;
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

/**
 * The stretch that `timeMs` lies in. It is an hour long but where the clock is changed: an hour that the clock skips has no stretch, one that
 * comes twice has two, and a change by half an hour cuts one in half. O(1); a bisection where the clock is changed in that hour.
 */
export function clockHourAt(zone: TimeZone, timeMs: number): ClockHour {
  const offset = zone.offsetMsAt(timeMs);
  const number = Math.floor((timeMs + offset) / hourMs);
  let fromMs = number * hourMs - offset;
  let toMs = fromMs + hourMs;
  if (zone.offsetMsAt(fromMs) !== offset) fromMs = lastChange(zone, fromMs, timeMs);
  if (zone.offsetMsAt(toMs - 1) !== offset) toMs = lastChange(zone, timeMs, toMs - 1);
  return { number, fromMs, toMs };
}

/** First instant in (fromMs, toMs] at which the offset is the one at `toMs`. */
function lastChange(zone: TimeZone, fromMs: number, toMs: number): number {
  const offset = zone.offsetMsAt(toMs);
  let low = fromMs;
  let high = toMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetMsAt(middle) === offset) high = middle;
    else low = middle;
  }
  return Math.floor(high);
}
