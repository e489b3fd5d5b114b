/** Which share of their cases laws draw: all, but where `ANTEROOM_LAW_SHARE` says less, as for a second and third version of Node. */

export const lawShare = Number(process.env.ANTEROOM_LAW_SHARE ?? 1);
if (!(lawShare > 0 && lawShare <= 1)) {
  throw new Error(`ANTEROOM_LAW_SHARE is above 0 and at most 1, not ${process.env.ANTEROOM_LAW_SHARE}`);
}

/** A law that draws no more than this draws all: some count what they saw, and must have seen it. */
const AT_LEAST = 50;

/** Counts of fuzz tests, which count what they drew. */
const whole = new Set<number>();

/** `count`, which is to be drawn whatever the share. */
export function drawnWhole(count: number): number {
  whole.add(count);
  return count;
}

/** Cases to draw where `count` are drawn of all. */
export function drawn(count: number): number {
  return whole.has(count) ? count : Math.min(count, Math.max(AT_LEAST, Math.ceil(count * lawShare)));
}
