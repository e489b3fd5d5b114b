/** Offsets of the world's clocks from UTC, as the platform's time-zone data has them. */

/** Blocks of time that are looked up at their ends; none is known in which a clock changed twice. */
const blockMs = 6 * 3_600_000;
/** Blocks whose offsets are kept; beyond, all are forgotten. */
const blocksMax = 8192;
/** Instants that a date can hold. */
const dateMsMax = 8.64e15;

/** Offset before and from `atMs` on; Infinity = it does not change. */
interface Block {
  readonly atMs: number;
  readonly before: number;
  readonly after: number;
}

/** Whether `name` is an IANA time zone that this platform knows. */
export function isTimeZoneName(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The function from an instant (ms since the epoch) to what has to be added to it to read the clock of the IANA zone `name`.
 *
 * Asked of Intl twice a block of six hours and kept; where the two ends differ the change is found to the millisecond by bisection. The same
 * data give the same offsets everywhere, but platforms are updated when governments change their rules.
 * @throws RangeError for a name that is no zone.
 */
export function timeZoneOffsets(name: string): (timeMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  const ask = (timeMs: number): number => offsetOf(format, Math.min(dateMsMax, Math.max(-dateMsMax, timeMs)));
  const blocks = new Map<number, Block>();
  let latestNumber = Number.NaN;
  let latest: Block | undefined;
  return (timeMs) => {
    const number = Math.floor(timeMs / blockMs);
    if (number !== latestNumber) {
      latest = blocks.get(number);
      if (latest === undefined) {
        latest = lookUp(ask, number * blockMs);
        if (blocks.size >= blocksMax) blocks.clear();
        blocks.set(number, latest);
      }
      latestNumber = number;
    }
    return timeMs < latest!.atMs ? latest!.before : latest!.after;
  };
}

function lookUp(ask: (timeMs: number) => number, startMs: number): Block {
  const before = ask(startMs);
  const after = ask(startMs + blockMs);
  if (before === after) return { atMs: Number.POSITIVE_INFINITY, before, after };
  let low = startMs;
  let high = startMs + blockMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (ask(middle) === before) low = middle;
    else high = middle;
  }
  return { atMs: high, before, after };
}

/** From the part that reads like GMT, GMT+05:30 or GMT-04:56:02. */
function offsetOf(format: Intl.DateTimeFormat, timeMs: number): number {
  const text = format.formatToParts(timeMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds] = /([+-])(\d{1,2}):?(\d{2})?:?(\d{2})?/.exec(text) ?? [];
  if (sign === undefined) return 0;
  const ms = ((Number(hours) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000;
  return sign === '-' ? -ms : ms;
}
