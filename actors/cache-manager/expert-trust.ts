/** Whether what an expert sends is used as often as it says: who misleads is turned off, and on again when trials show otherwise. */

import { z } from 'zod';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { type SiteAddresses, type SiteBooks, SiteNumber } from './site-layout.ts';

export const expertTrustSchema = z.strictObject({
  isEnabled: z.boolean().default(true).describe('Whether experts are throttled one by one at all.'),
  trustMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.35)
    .describe('An expert is turned off while fewer of its prefetches are used than this share of what it stated.'),
  memory: z.int().min(8).max(65_536).default(256).describe('Prefetches of an expert that its account remembers.'),
  trialEvery: z
    .int()
    .min(1)
    .default(16)
    .describe('Of the prefetches of an expert that is off, one in so many is sent, to see whether it is right again.'),
});
export type ExpertTrustConfig = z.output<typeof expertTrustSchema>;

/** The account of one expert. */
export interface ExpertAccount {
  /** Used by what was stated, of late: 1 = as often as it said. */
  readonly trust: number;
  readonly isOff: boolean;
  /** How often it was turned off, and on again. */
  readonly turnedOff: number;
  readonly turnedOn: number;
  /** Prefetches not sent because it was off. */
  readonly refused: number;
}

/** Prefetches as good as said that each account begins with, as a share of its memory. */
const PRIOR_SHARE = 0.125;
/** Back on at this multiple of `trustMin`, so that chance alone does not turn it on and off. */
const ON_AGAIN = 1.25;

/**
 * For each expert the decayed sum of the probabilities at which its prefetches were sent, and of those that were used. Experts of the near
 * loop are weighed and calibrated where they are mixed; this is the governor's own look at what they led to, the same for hints and the far loop,
 * and whatever comes after. Only ends that say something count: used, late or wasted. O(1).
 */
export class ExpertTrust {
  readonly #config: ExpertTrustConfig;
  /** What an account keeps from one prefetch to the next, and what it begins with. */
  readonly #kept: number;
  readonly #prior: number;
  #expected = new Float64Array(256);
  #used = new Float64Array(256);
  #isOff = new Uint8Array(256);
  readonly #passedOver = new Uint32Array(256);
  #turnedOff = new Uint32Array(256);
  #turnedOn = new Uint32Array(256);
  readonly #refused = new Float64Array(256);

  constructor(config: ExpertTrustConfig) {
    this.#config = config;
    this.#kept = 1 - 1 / config.memory;
    this.#prior = PRIOR_SHARE * config.memory;
  }

  /** Whether a prefetch of `expert` may be sent; to be asked once for each that would be. */
  allows(expert: number): boolean {
    if (this.#isOff[expert] === 0) return true;
    const passedOver = this.#passedOver[expert]! + 1;
    this.#passedOver[expert] = passedOver % this.#config.trialEvery;
    if (passedOver === this.#config.trialEvery) return true;
    this.#refused[expert]! += 1;
    return false;
  }

  /** A prefetch that `expert` stated at `probability` was used, or left unused. */
  ended(expert: number, probability: number, isUsed: boolean): void {
    if (Number.isNaN(probability)) return;
    const expected = this.#expected[expert]! * this.#kept + probability;
    const used = this.#used[expert]! * this.#kept + (isUsed ? 1 : 0);
    this.#expected[expert] = expected;
    this.#used[expert] = used;
    const trust = (used + this.#prior) / (expected + this.#prior);
    if (this.#isOff[expert] === 0) {
      if (trust >= this.#config.trustMin) return;
      this.#isOff[expert] = 1;
      this.#turnedOff[expert]! += 1;
    } else if (trust >= this.#onAgainAt) {
      this.#isOff[expert] = 0;
      this.#turnedOn[expert]! += 1;
    }
  }

  get #onAgainAt(): number {
    return Math.min(1, ON_AGAIN * this.#config.trustMin);
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#expected = place(this.#expected, at.trustExpected);
    this.#used = place(this.#used, at.trustUsed);
    this.#isOff = place(this.#isOff, at.trustOff);
    this.#turnedOff = place(this.#turnedOff, at.trustTurnedOff);
    this.#turnedOn = place(this.#turnedOn, at.trustTurnedOn);
  }

  lend({ numbers }: SiteBooks): void {
    numbers[SiteNumber.trustKept] = this.#kept;
    numbers[SiteNumber.trustPrior] = this.#prior;
    numbers[SiteNumber.trustMin] = this.#config.trustMin;
    numbers[SiteNumber.trustOnAgain] = this.#onAgainAt;
  }

  account(expert: number): ExpertAccount {
    return {
      trust: this.#trust(expert),
      isOff: this.#isOff[expert] === 1,
      turnedOff: this.#turnedOff[expert]!,
      turnedOn: this.#turnedOn[expert]!,
      refused: this.#refused[expert]!,
    };
  }

  /** Everything but what the settings give: #config, #kept, #prior. */
  persist(fields: StateFields): void {
    fields.into(this.#expected);
    fields.into(this.#used);
    fields.into(this.#isOff);
    fields.into(this.#passedOver);
    fields.into(this.#turnedOff);
    fields.into(this.#turnedOn);
    fields.into(this.#refused);
  }

  #trust(expert: number): number {
    return (this.#used[expert]! + this.#prior) / (this.#expected[expert]! + this.#prior);
  }
}

/** The trust that settings ask for; undefined = every expert is taken at its word. */
export function expertTrustOf(config: ExpertTrustConfig): ExpertTrust | undefined {
  return config.isEnabled ? new ExpertTrust(config) : undefined;
}
