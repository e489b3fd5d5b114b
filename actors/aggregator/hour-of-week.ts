/** Hours of the week from event time, without locale or Date. */

export const hoursPerWeek = 168;
export const hourMs = 3_600_000;

/** 1970-01-01 was a Thursday, the fourth day of a week that starts on Monday. */
const epochHourOfWeek = 3 * 24;

/** Hours since 1970-01-01 00:00 on the clock `offsetMs` ahead of UTC, whole. */
export function hourNumber(timeMs: number, offsetMs: number): number {
  return Math.floor((timeMs + offsetMs) / hourMs);
}

/** Hour of the week 0..167, Monday 00:00 = 0, of a local hour number. */
export function hourOfWeekOf(hour: number): number {
  return (((hour + epochHourOfWeek) % hoursPerWeek) + hoursPerWeek) % hoursPerWeek;
}

/** Hour of the week 0..167, Monday 00:00 = 0, of an instant in ms since the epoch, on the clock `offsetMs` ahead of UTC. */
export function hourOfWeek(timeMs: number, offsetMs: number): number {
  return hourOfWeekOf(hourNumber(timeMs, offsetMs));
}
