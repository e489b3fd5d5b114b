/** A randomised share of prefetches that are withheld, to see what would have been without them. */

import { z } from 'zod';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import { type SiteAddresses, type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';

export const holdoutSchema = z.strictObject({
  share: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.01)
    .describe(
      'Share of the prefetches about to be sent that are withheld instead, by chance, to measure the lift; 0 = none.',
    ),
});
export type HoldoutConfig = z.output<typeof holdoutSchema>;

/** The holdout that settings ask for; undefined = none. */
export function holdoutOf(config: HoldoutConfig, seed: number): Holdout | undefined {
  return config.share > 0 ? new Holdout(config.share, seed) : undefined;
}

/** What was found, of prefetches about to be sent and withheld. */
export interface HoldoutCounts {
  readonly share: number;
  readonly withheld: number;
  /** Of these, demanded before they would have left unused: misses that a prefetch would have avoided. */
  readonly demanded: number;
  /** Withheld for less than that when the run ended. */
  readonly open: number;
  /** Sum of the probabilities stated with those that are not open, where one was. */
  readonly expected: number;
}

const RING = 4096;
/** Unused prefetches over which their stay is averaged. */
export const STAY_MEMORY = 64;

/**
 * Whether a prefetch is withheld depends on a hash of (seed, segment, log position) alone, so nothing that is known of it biases
 * the choice. A withheld segment is not staged until it was demanded or has been withheld for its horizon: that of the forecast, or as long as
 * prefetches of late stayed that left unused, if that is longer. Among those sent the share that was used
 * says how good prefetches are given that they are made; among those withheld the share demanded says it without
 * the prefetch having changed anything: neither its eviction nor the demand itself. O(1); two bytes a segment.
 * At most 4096 are open at once; beyond it none is withheld.
 */
export class Holdout {
  readonly share: number;
  withheld = 0;
  demandedCount = 0;
  expected = 0;
  /** Accesses for which a prefetch stays that leaves unused, of late. */
  #stay = 0;
  readonly #threshold: number;
  readonly #seed: number;
  /** By segment: where in the ring it is withheld, plus 1; 0 = it is not. */
  #held = new Uint16Array(1024);
  /** In the order in which they were withheld. */
  readonly #segment = new Uint32Array(RING);
  readonly #position = new Float64Array(RING);
  readonly #probability = new Float64Array(RING);
  #head = 0;
  #count = 0;
  /** Log position at which the first of them was withheld; Infinity = there is none. */
  #oldestAt = Infinity;
  #open = 0;

  constructor(share: number, seed: number) {
    this.share = share;
    this.#threshold = Math.floor(share * 2 ** 32);
    this.#seed = seed | 0;
  }

  get counts(): HoldoutCounts {
    const { share, withheld, demandedCount: demanded, expected } = this;
    return { share, withheld, demanded, open: this.#open, expected };
  }

  /** Whether anything is withheld for so long at `position` that its horizon may be over: then it must be told of the demand. */
  mayExpire(position: number): boolean {
    return this.#oldestAt < position - this.#stay;
  }

  /** Whether `segment` is withheld now. */
  isHeld(segment: number): boolean {
    return segment < this.#held.length && this.#held[segment] !== 0;
  }

  /** Whether the prefetch about to be sent is withheld; from now on it is. */
  withholds(segment: number, position: number, probability: number): boolean {
    if (this.#count === RING || hash(this.#seed, segment, position) >= this.#threshold) return false;
    if (segment >= this.#held.length) this.#held = grownTable(this.#held, segment);
    if (this.#count === 0) this.#oldestAt = position;
    const at = (this.#head + this.#count++) % RING;
    this.#held[segment] = at + 1;
    this.#segment[at] = segment;
    this.#position[at] = position;
    this.#probability[at] = probability;
    this.withheld++;
    this.#open++;
    return true;
  }

  /** A prefetch left unused so many accesses after it was sent. */
  unused(accesses: number): void {
    this.#stay += (accesses - this.#stay) / STAY_MEMORY;
  }

  /** A demand for `segment` at `position`; `horizon`: of forecasts, in accesses. */
  observe(segment: number, position: number, horizon: number): void {
    if (this.#count > 0) this.expire(position - Math.max(horizon, this.#stay));
    if (this.isHeld(segment)) this.demanded(segment);
  }

  /** `segment` was demanded; to be called where `isHeld`. */
  demanded(segment: number): void {
    this.demandedCount++;
    this.#settle(this.#held[segment]! - 1);
  }

  /** What was withheld before `position` has been so for its horizon. */
  expire(position: number): void {
    while (this.#oldestAt < position) {
      // A segment that was demanded meanwhile may have been withheld once more, in another place.
      if (this.#held[this.#segment[this.#head]!] === this.#head + 1) this.#settle(this.#head);
      this.#head = (this.#head + 1) % RING;
      this.#count--;
      this.#oldestAt = this.#count === 0 ? Infinity : this.#position[this.#head]!;
    }
  }

  /** Segments that it has a row for; none beyond is withheld. */
  get segmentLimit(): number {
    return this.#held.length;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#held = place(this.#held, at.held);
  }

  /** Tells a kernel of whom to leave to this. */
  lend({ numbers, words }: SiteBooks): void {
    numbers[SiteNumber.stay] = this.#stay;
    numbers[SiteNumber.oldestAt] = this.#oldestAt;
    words[SiteWord.holdoutSeed] = this.#seed;
    // Without a sign it may be as large as any word is.
    numbers[SiteNumber.holdoutThreshold] = this.#threshold;
  }

  takeBack({ numbers }: SiteBooks): void {
    this.#stay = numbers[SiteNumber.stay]!;
  }

  /** Everything but what the settings give: #threshold, #seed; and #oldestAt, which is in the ring. */
  persist(fields: StateFields): void {
    this.withheld = fields.number(this.withheld);
    this.demandedCount = fields.number(this.demandedCount);
    this.expected = fields.number(this.expected);
    this.#stay = fields.number(this.#stay);
    this.#held = fields.array(this.#held);
    fields.into(this.#segment);
    fields.into(this.#position);
    fields.into(this.#probability);
    this.#head = fields.number(this.#head);
    this.#count = fields.number(this.#count);
    this.#open = fields.number(this.#open);
    this.#oldestAt = this.#count === 0 ? Infinity : this.#position[this.#head]!;
  }

  /** It is known what became of the one in this place of the ring. */
  #settle(at: number): void {
    this.#held[this.#segment[at]!] = 0;
    this.#open--;
    const probability = this.#probability[at]!;
    if (!Number.isNaN(probability)) this.expected += probability;
  }
}

/** 32 bits of (seed, segment, position), finished as in MurmurHash3 (Appleby, public domain). */
function hash(seed: number, segment: number, position: number): number {
  // Added, since a hash of nothing but zeros would be zero and withhold the first segment of every log.
  let h =
    (Math.imul(segment ^ seed, 0xcc9e2d51) + 0x9e3779b9) ^
    Math.imul(position | 0, 0x1b873593) ^
    Math.floor(position / 2 ** 32);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
