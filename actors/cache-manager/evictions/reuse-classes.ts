/** Classes of segments whose next access is expected alike, by how often and how regularly they were accessed so far. */

/** Uses that are told apart: 1, 2, 3 to 4, more. */
const USE_LEVELS = 4;
/** Lately against in the long run: much more often, more often, as often, less often. */
const TRENDS = 4;
/** Octaves of the mean gap. */
const GAPS = 16;
/** Gaps below 2^2 are one octave. */
const GAP_OCTAVE_FIRST = 2;

/** Segments that nobody demanded yet: prefetches. */
export const admittedClass = USE_LEVELS * TRENDS * GAPS;
export const reuseClassCount = admittedClass + 1;

/** Share of the latest gap in the mean gap lately, and at least in the long run; before, the mean is a plain one. */
const LATELY = 0.25;
const IN_THE_LONG_RUN = 0.05;

/** Gap octave of a class, the same for few uses and many; what was used once has the first. */
export function gapOf(reuseClass: number): number {
  return reuseClass % GAPS;
}
export const gapCount = GAPS;

/**
 * Mean of the gaps in the long run after one more.
 * @param uses accesses before this one, from 1 on
 */
export function slowGap(mean: number, gap: number, uses: number): number {
  return uses === 1 ? gap : mean + (gap - mean) * Math.max(IN_THE_LONG_RUN, 1 / uses);
}

/** The same, lately. */
export function fastGap(mean: number, gap: number, uses: number): number {
  return uses === 1 ? gap : mean + (gap - mean) * LATELY;
}

/**
 * The class of a segment that was accessed `uses` times, now included.
 * @param slow mean gap in the long run, in accesses
 * @param fast mean gap lately
 */
export function reuseClassOf(uses: number, slow: number, fast: number): number {
  if (uses <= 1) return 0;
  const useLevel = uses === 2 ? 1 : uses <= 4 ? 2 : 3;
  const ratio = fast / slow;
  const trend = ratio < 0.35 ? 0 : ratio < 0.8 ? 1 : ratio < 1.4 ? 2 : 3;
  const octave = 31 - Math.clz32(Math.min(slow, 2 ** 30)) - GAP_OCTAVE_FIRST + 1;
  const gap = octave < 0 ? 0 : octave >= GAPS ? GAPS - 1 : octave;
  return (useLevel * TRENDS + trend) * GAPS + gap;
}

/** Sizes are told apart by octaves where they differ; this is how many. */
export const sizeOctaveCount = 32;

/** Octave of a size in units, from 1 on; the last has all that are larger. */
export function sizeOctaveOf(size: number): number {
  return size >= 2 ** 31 ? 31 : 31 - Math.clz32(size);
}
