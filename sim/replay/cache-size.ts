/** A cache size as `--cache` says it: a share of the trace, a count of segments, or bytes. */

import { CAPACITY_MAX } from '../../actors/cache-manager/eviction.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { countedText, percent } from '../report/words.ts';

/** One entry of `--cache`, as written. */
export type CacheSizeSpec =
  | { readonly kind: 'fraction'; readonly fraction: number }
  | { readonly kind: 'segments'; readonly segments: number }
  | { readonly kind: 'bytes'; readonly bytes: number };

/** A cache size in the unit in which the run counts. */
export interface CacheSize {
  readonly unit: 'segments' | 'bytes';
  readonly size: number;
  /** The share asked for, or null where the size was absolute. */
  readonly fraction: number | null;
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Fewest segments that a share of a trace comes to. */
export const SEGMENTS_MIN = 10;

/**
 * Parses `0.01,0.1`, `5000`, `64MiB`: a number with a decimal point or below 1 is a share (at most 1), a whole number counts
 * segments, a number with a unit counts bytes.
 * @throws AnteroomError('bad-usage') naming the entry.
 */
export function parseCacheSizes(text: string): readonly CacheSizeSpec[] {
  return text.split(',').map((entry) => {
    const match = /^(\d+(?:\.\d+)?)([kKMGT]i?B|B)?$/.exec(entry.trim());
    const number = match === null ? Number.NaN : Number(match[1]);
    const unit = match?.[2];
    if (unit !== undefined && UNITS[unit] !== undefined) {
      const bytes = Math.floor(number * UNITS[unit]);
      if (bytes >= 1) return { kind: 'bytes', bytes };
    }
    if (unit === undefined && number > 0) {
      if (entry.includes('.') && number <= 1) return { kind: 'fraction', fraction: number };
      if (Number.isInteger(number)) return { kind: 'segments', segments: number };
    }
    throw new AnteroomError(
      'bad-usage',
      `--cache: expected a share like 0.01, a count of segments like 5000 or bytes like 64MiB, found "${entry}"`,
    );
  });
}

/**
 * The size of a cache for a trace of `distinctCount` distinct segments with `footprintBytes` in all (each at its first-seen size).
 * @throws AnteroomError('bad-usage') when the entry does not fit the unit, or comes to more than can be counted.
 */
export function resolveCacheSize(
  spec: CacheSizeSpec,
  unit: 'segments' | 'bytes',
  trace: { readonly distinctCount: number; readonly footprintBytes: number },
): CacheSize {
  const resolved = sizeFor(spec, unit, trace);
  if (resolved.size > CAPACITY_MAX)
    throw new AnteroomError(
      'bad-usage',
      `--cache: ${resolved.size} ${unit} are more than the ${CAPACITY_MAX} that can be counted`,
    );
  return resolved;
}

function sizeFor(
  spec: CacheSizeSpec,
  unit: 'segments' | 'bytes',
  trace: { readonly distinctCount: number; readonly footprintBytes: number },
): CacheSize {
  switch (spec.kind) {
    case 'fraction': {
      const whole = unit === 'bytes' ? trace.footprintBytes : trace.distinctCount;
      const least = unit === 'bytes' ? 1 : SEGMENTS_MIN;
      return { unit, size: Math.max(least, Math.floor(spec.fraction * whole)), fraction: spec.fraction };
    }
    case 'segments':
      if (unit === 'bytes') {
        throw new AnteroomError(
          'bad-usage',
          `--cache ${spec.segments} counts segments, but the run counts bytes: give bytes (64MiB) or --unit segments`,
        );
      }
      return { unit, size: spec.segments, fraction: null };
    case 'bytes':
      if (unit === 'segments') {
        throw new AnteroomError(
          'bad-usage',
          `--cache ${spec.bytes} bytes needs a run that counts bytes: give --unit bytes (and a trace with sizes)`,
        );
      }
      return { unit, size: spec.bytes, fraction: null };
  }
}

/** Which shares came to the fewest segments there are, though they are less, as a sentence; empty where none did. */
export function leastCacheWarning(name: string, distinctCount: number, caches: readonly CacheSize[]): string {
  const small = caches.filter(
    ({ unit, size, fraction }) =>
      unit === 'segments' && fraction !== null && Math.floor(fraction * distinctCount) < size,
  );
  const shares = [...new Set(small.map(({ fraction }) => percent(fraction!)))];
  if (shares.length === 0) return '';
  return `${name}: ${shares.join(' and ')} of ${countedText(distinctCount, 'segment')} is less than ${SEGMENTS_MIN}, the least that a share comes to: the cache has ${SEGMENTS_MIN}`;
}
