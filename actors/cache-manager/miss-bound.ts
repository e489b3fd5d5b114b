/** The hard bound on what prefetching may cost in misses. */

import { z } from 'zod';
import type { StateFields } from '../../engine/state-fields.ts';
import { type SiteBooks, SiteNumber } from './site-layout.ts';

export const missBoundSchema = z.strictObject({
  isEnabled: z.boolean().default(true).describe('Whether misses are bounded at all.'),
  excessMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.001)
    .describe('Misses that prefetching may cost at most, as a share of the misses without it.'),
  allowance: z
    .int()
    .min(0)
    .default(64)
    .describe('Misses granted on top, so that a run can start: what has to leave for the first prefetches.'),
});
export type MissBoundConfig = z.output<typeof missBoundSchema>;

/** How much of a miss book one look takes: what a site missed, and the world without prefetching beside it. */
export interface MissGhost {
  readonly misses: number;
  readonly lost: { readonly count: number };
}

/**
 * At every moment: misses <= (1 + excessMax) x misses without prefetching + allowance, whatever sizes do.
 *
 * A demand that only the site misses is for a segment that the ghost holds and the site does not (`lost`). Then misses + lost <= bound,
 * once true, stays true as long as the site, when there is no slack, gives up only what the ghost does not hold (the argument in `TrafficGuard`,
 * with misses for fetches). What both hold takes the same in both (`SiteSpace.unitsToKeep`), so there is always room for it here as there is there.
 *
 * That is needed: a hit keeps the copy that is there, however much is asked for (D-061). If the site kept what it fetches at the size asked for, demands
 * for what it lost, each as large as the whole cache, would miss here and hit there for ever.
 */
export class MissBound {
  readonly excessMax: number;
  readonly allowance: number;
  readonly isBounded: boolean;
  /** Misses of the site so far, late ones included. */
  misses = 0;
  /** Accesses after which misses stood above the bound. */
  breachCount = 0;
  /** Most misses by which the site stood above its ghost. */
  excess = 0;

  /** @param excessMax Infinity = no bound. */
  constructor(excessMax: number, allowance: number) {
    this.excessMax = excessMax;
    this.allowance = allowance;
    this.isBounded = excessMax !== Infinity;
  }

  /** Misses that may still be lost. */
  slack(ghost: MissGhost): number {
    const bound = (1 + this.excessMax) * ghost.misses + this.allowance;
    return bound - this.misses - ghost.lost.count;
  }

  /** Notes by how many misses the site is taken to stand above its ghost, where that is an estimate. */
  note(excess: number): void {
    if (excess > this.excess) this.excess = excess;
  }

  /** Notes, after an access, where misses stand. */
  check(ghost: MissGhost): void {
    const excess = this.misses - ghost.misses;
    if (excess > this.excess) this.excess = excess;
    if (excess > this.excessMax * ghost.misses + this.allowance + 1e-6) this.breachCount++;
  }

  lend({ numbers }: SiteBooks): void {
    numbers[SiteNumber.siteMisses] = this.misses;
    numbers[SiteNumber.excess] = this.excess;
    numbers[SiteNumber.missRatioMax] = 1 + this.excessMax;
    numbers[SiteNumber.missAllowance] = this.allowance;
  }

  takeBack({ numbers }: SiteBooks): void {
    this.misses = numbers[SiteNumber.siteMisses]!;
    this.excess = numbers[SiteNumber.excess]!;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.misses = fields.number(this.misses);
    this.breachCount = fields.number(this.breachCount);
    this.excess = fields.number(this.excess);
  }
}

/** The bound that settings ask for. */
export function missBoundOf(config: MissBoundConfig): MissBound {
  return new MissBound(config.isEnabled ? config.excessMax : Infinity, config.allowance);
}
