/** How soon segments of a class are accessed again, learned from all that were ever seen, and what a resident of a class is worth. */

import { exponential, power } from '../../../engine/portable-math.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import { gapCount, gapOf, reuseClassCount } from './reuse-classes.ts';

/** Ages are told apart by half octaves; this is how many, up to 2^28 accesses. */
export const ageCount = 56;

/** Returns that the estimate of a wider class counts for in a narrower one. */
const PRIOR_RETURNS = 1;

/** Half octave of an age in accesses: 1, 2, 3, 4 to 5, 6 to 7, 8 to 11, ... */
export function ageOf(accesses: number): number {
  const age = accesses < 1 ? 1 : accesses > MAX_AGE ? MAX_AGE : accesses | 0;
  const octave = 31 - Math.clz32(age);
  const half = octave > 0 ? (age >>> (octave - 1)) & 1 : 0;
  return 2 * octave + half;
}
const MAX_AGE = 2 ** (ageCount / 2) - 1;

/** Least age, in accesses, of each half octave; one more than there are, so that the last has an end. Half octave 1 is empty. */
export const ageStart = Float64Array.from({ length: ageCount + 1 }, (_, age) =>
  age === 1 ? 2 : age & 1 ? 1.5 * 2 ** (age >> 1) : 2 ** (age >> 1),
);

/**
 * Two counts for each class and age: returns (segments of that class that were accessed at that age), and exposure (how many of that
 * class had that age, summed over accesses). Their quotient is the hazard: the chance of an access at the next step, given that there was none yet.
 * Exposure is found by inspecting known segments in turn, a few at each access, whether they are resident or not: so what is never
 * accessed again counts, and what a cache holds does not bias what is learned.
 *
 * Both are halved over `halfLife` accesses. A class of which little is known is taken as segments of the same gap, and these as all.
 * Memory: 24 bytes for each of the classes and ages, 350 KB.
 */
export class ReuseHazards {
  readonly #returns = new Float64Array(reuseClassCount * ageCount);
  readonly #exposure = new Float64Array(reuseClassCount * ageCount);
  readonly #density = new Float64Array(reuseClassCount * ageCount);
  readonly #halfLife: number;

  constructor(halfLife: number) {
    this.#halfLife = halfLife;
    // Before anything is known: who was accessed lately and more than once is worth more.
    for (let at = 0; at < this.#density.length; at++) {
      const useLevel = Math.floor(at / ageCount / (4 * gapCount));
      this.#density[at] = (1 + useLevel) / (1 + ageStart[at % ageCount]!);
    }
  }

  /** A segment of that class was accessed at an age of so many accesses. */
  returned(reuseClass: number, accesses: number): void {
    this.#returns[reuseClass * ageCount + ageOf(accesses)]! += 1;
  }

  /** `segments` of that class are taken to have that age at one access. */
  exposed(reuseClass: number, accesses: number, segments: number): void {
    this.#exposure[reuseClass * ageCount + ageOf(accesses)]! += segments;
  }

  /** Hits an access that a segment of that class and age is good for, if it stays as long as that pays best: see {@link update}. */
  densityOf(reuseClass: number, age: number): number {
    return this.#density[reuseClass * ageCount + age]!;
  }

  /** Works out the densities anew, and lets `accesses` pass. O(classes in use x ages^2), with ages up to the oldest that was seen. */
  update(accesses: number): void {
    const returns = this.#returns;
    const exposure = this.#exposure;
    const gapReturns = new Float64Array(gapCount * ageCount);
    const gapExposure = new Float64Array(gapCount * ageCount);
    const allReturns = new Float64Array(ageCount);
    const allExposure = new Float64Array(ageCount);
    let ages = 0;
    for (let at = 0; at < returns.length; at++) {
      if (exposure[at]! === 0 && returns[at]! === 0) continue;
      const age = at % ageCount;
      const byGap = gapOf((at / ageCount) | 0) * ageCount + age;
      gapReturns[byGap]! += returns[at]!;
      gapExposure[byGap]! += exposure[at]!;
      allReturns[age]! += returns[at]!;
      allExposure[age]! += exposure[at]!;
      if (age >= ages) ages = age + 1;
    }
    const hazard = new Float64Array(ages);
    for (let reuseClass = 0; reuseClass < reuseClassCount; reuseClass++) {
      const gapFrom = gapOf(reuseClass) * ageCount;
      const from = reuseClass * ageCount;
      for (let age = 0; age < ages; age++) {
        const all = (allReturns[age]! + 0.5 / ageStart[age]!) / (allExposure[age]! + 0.5);
        const byGap = shrunk(gapReturns[gapFrom + age]!, gapExposure[gapFrom + age]!, all);
        hazard[age] = Math.min(1, shrunk(returns[from + age]!, exposure[from + age]!, byGap));
      }
      hitDensities(hazard, this.#density.subarray(from, from + ageCount));
    }
    const kept = power(0.5, accesses / this.#halfLife);
    for (let at = 0; at < returns.length; at++) {
      returns[at]! *= kept;
      exposure[at]! *= kept;
    }
  }

  /** Everything but what the settings give: #halfLife. */
  persist(fields: StateFields): void {
    fields.into(this.#returns);
    fields.into(this.#exposure);
    fields.into(this.#density);
  }
}

/** A rate from few observations, as if `PRIOR_RETURNS` had come at the rate of the wider class. */
function shrunk(returns: number, exposure: number, wider: number): number {
  return (returns + PRIOR_RETURNS) / (exposure + PRIOR_RETURNS / wider);
}

/**
 * For each age the most hits per access of residence that a segment is good for: over all ages to which it might be kept, the
 * chance that it is accessed by then, over the time that it stays if it leaves at its access or then. That quotient is Gittins' index
 * of a job that ends with an access. Hazards are taken as constant within a half octave.
 * @param hazard by age, each above 0 and at most 1
 * @param into by age; ages beyond those of `hazard` get the value of its last
 */
export function hitDensities(hazard: Float64Array, into: Float64Array): void {
  const ages = hazard.length;
  const length = new Float64Array(ages);
  const stays = new Float64Array(ages);
  for (let age = 0; age < ages; age++) {
    length[age] = ageStart[age + 1]! - ageStart[age]!;
    stays[age] = exponential(-hazard[age]! * length[age]!);
  }
  for (let age = 0; age < ages; age++) {
    // Half of the first interval is over in the mean.
    let survival = exponential((-hazard[age]! * length[age]!) / 2);
    let hits = 1 - survival;
    let time = hazard[age]! > 0 ? hits / hazard[age]! : length[age]! / 2;
    let best = time > 0 ? hits / time : 0;
    for (let until = age + 1; until < ages; until++) {
      const left = survival * stays[until]!;
      const leaving = survival - left;
      hits += leaving;
      time += hazard[until]! > 0 ? leaving / hazard[until]! : survival * length[until]!;
      survival = left;
      if (hits > best * time) best = hits / time;
    }
    into[age] = best;
  }
  into.fill(ages > 0 ? into[ages - 1]! : 0, ages);
}
