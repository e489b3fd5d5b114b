/** Bytes, durations and rates as people write them: `64MiB`, `1.5GB`, `50ms`, `2h`, `20MB/s`. */

import { AnteroomError } from './errors.ts';

interface Unit {
  readonly name: string;
  readonly size: number;
}

// Largest first. The lower-case k is SI's; both cases are read.
const BYTE_UNITS: readonly Unit[] = [
  { name: 'PiB', size: 2 ** 50 },
  { name: 'PB', size: 1e15 },
  { name: 'TiB', size: 2 ** 40 },
  { name: 'TB', size: 1e12 },
  { name: 'GiB', size: 2 ** 30 },
  { name: 'GB', size: 1e9 },
  { name: 'MiB', size: 2 ** 20 },
  { name: 'MB', size: 1e6 },
  { name: 'KiB', size: 2 ** 10 },
  { name: 'kB', size: 1e3 },
  { name: 'B', size: 1 },
];

// In nanoseconds, so that every unit is a whole number.
const DURATION_UNITS: readonly Unit[] = [
  { name: 'w', size: 604_800e9 },
  { name: 'd', size: 86_400e9 },
  { name: 'h', size: 3_600e9 },
  { name: 'm', size: 60e9 },
  { name: 's', size: 1e9 },
  { name: 'ms', size: 1e6 },
  { name: 'us', size: 1e3 },
  { name: 'ns', size: 1 },
];

const BYTES_EXPECTED = 'a size such as 64MiB, 1.5GB or 4096';
const DURATION_EXPECTED = 'a duration such as 50ms, 1.5s, 2h or 7d';
const RATE_EXPECTED = 'a rate such as 20MB/s';

/**
 * Whole bytes. kB, MB, GB, TB, PB are powers of 1000, KiB to PiB powers of 1024; a bare number is bytes; case is ignored.
 * @throws AnteroomError `bad-usage`
 */
export function parseBytes(text: string): number {
  const amount = parseAmount(text, BYTES_EXPECTED);
  const unit = amount.unit === '' ? BYTE_UNITS.at(-1) : findUnit(BYTE_UNITS, amount.unit.toLowerCase(), true);
  if (unit === undefined) throw refuse(text, BYTES_EXPECTED);
  const scaled = amount.mantissa * BigInt(unit.size);
  if (scaled % amount.scale !== 0n) throw refuse(text, `${BYTES_EXPECTED}, in whole bytes`);
  const bytes = scaled / amount.scale;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse(text, `${BYTES_EXPECTED}, at most 8PiB`);
  return Number(bytes);
}

/** Milliseconds. The unit is required (ns, us, ms, s, m, h, d, w), save for 0. @throws AnteroomError `bad-usage` */
export function parseDuration(text: string): number {
  const amount = parseAmount(text, DURATION_EXPECTED);
  if (amount.unit === '' && amount.mantissa === 0n) return 0;
  const unit = findUnit(DURATION_UNITS, amount.unit, false);
  if (unit === undefined) throw refuse(text, DURATION_EXPECTED);
  const ms = Number(amount.mantissa * BigInt(unit.size)) / Number(amount.scale * 1_000_000n);
  if (!Number.isFinite(ms)) throw refuse(text, DURATION_EXPECTED);
  return ms;
}

/** Bytes per second. @throws AnteroomError `bad-usage` */
export function parseRate(text: string): number {
  const match = /^(.+?)\s*\/\s*s$/.exec(text.trim());
  if (match === null) throw refuse(text, RATE_EXPECTED);
  try {
    return parseBytes(match[1] as string);
  } catch (cause) {
    throw refuse(text, RATE_EXPECTED, cause);
  }
}

/** A size for people: exact where a binary unit divides it (`64MiB`), else three digits of a decimal unit (`1.5GB`). */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${trimZeros(bytes.toFixed(3))}B`;
  for (const unit of BYTE_UNITS) {
    const isExact = unit.name.includes('i') && bytes % unit.size === 0 && bytes / unit.size < 1024;
    if (isExact) return `${bytes / unit.size}${unit.name}`;
  }
  return inUnits(
    bytes,
    BYTE_UNITS.filter((unit) => !unit.name.includes('i')),
  );
}

/** A duration for people, with three digits: `50ms`, `1.5s`, `2h`. */
export function formatDuration(ms: number): string {
  return ms === 0 ? '0ms' : inUnits(ms * 1e6, DURATION_UNITS);
}

/** A rate for people: `20MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

interface Amount {
  readonly mantissa: bigint;
  readonly scale: bigint;
  readonly unit: string;
}

/** A decimal number, exactly, and what follows it. Signs, exponents and separators are refused. */
function parseAmount(text: string, expected: string): Amount {
  const match = /^(\d{1,18})(?:\.(\d{1,9}))?\s*([A-Za-z]*)$/.exec(text.trim());
  if (match === null) throw refuse(text, expected);
  const fraction = match[2] ?? '';
  return {
    mantissa: BigInt((match[1] as string) + fraction),
    scale: 10n ** BigInt(fraction.length),
    unit: match[3] as string,
  };
}

function findUnit(units: readonly Unit[], name: string, ignoresCase: boolean): Unit | undefined {
  return units.find((unit) => (ignoresCase ? unit.name.toLowerCase() : unit.name) === name);
}

function refuse(text: string, expected: string, cause?: unknown): AnteroomError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return new AnteroomError('bad-usage', `expected ${expected}, not ${JSON.stringify(shown)}`, { cause });
}

function inUnits(amount: number, units: readonly Unit[]): string {
  for (const [index, unit] of units.entries()) {
    // Rounded before the unit is chosen, or 999.9 kB would print as 1000kB.
    const rounded = Number((amount / unit.size).toPrecision(3));
    if (rounded >= 1 || index === units.length - 1) {
      const shown = Number.isInteger(amount / unit.size) ? amount / unit.size : rounded;
      return `${trimZeros(shown.toFixed(3))}${unit.name}`;
    }
  }
  return '';
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
