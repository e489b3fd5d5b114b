/** How soon segments of a class are accessed again, learned from all that were ever seen, and what a resident of a class is worth. */

import { power } from '../../../engine/portable-math.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import { hitDensities } from './hit-densities.ts';
import { ageCount, ageOf, ageStart } from './reuse-ages.ts';
import { gapCount, gapOf, reuseClassCount } from './reuse-classes.ts';

/** What a module imports is looked up and checked at each use; its own constants are not. */
const AGES = ageCount;
const AGE_START = ageStart;
const CLASSES = reuseClassCount;
const GAPS = gapCount;

/** Returns that the estimate of a wider class counts for in a narrower one. */
const PRIOR_RETURNS = 1;

/**
 * Two counts for each class and age: returns (segments of that class that were accessed at that age), and exposure (how many of that
 * class had that age, summed over accesses). Their quotient is the hazard: the chance of an access at the next step, given that there was none yet.
 * Exposure is found by inspecting known segments in turn, a few at each access, whether they are resident or not: so what is never
 * accessed again counts, and what a cache holds does not bias what is learned.
 *
 * Both fade (see {@link update}). A class of which little is known is taken as segments of the same gap, and these as all.
 * Memory: 32 bytes for each of the classes and ages, 460 KB.
 */
export class ReuseHazards {
  readonly #returns = new Float64Array(CLASSES * AGES);
  readonly #exposure = new Float64Array(CLASSES * AGES);
  /** Of a class that is stale, the hazards from which its densities are yet to be worked out. */
  readonly #density = new Float64Array(CLASSES * AGES);
  /** The least density up to each age. */
  readonly #floor = new Float64Array(CLASSES * AGES);
  readonly #isStale = new Uint8Array(CLASSES);
  /** Ages that have hazards. */
  #ages = 0;
  readonly #prior: number;

  /** @param priorReturns returns that the estimate of a wider class counts for in a narrower one */
  constructor(priorReturns = PRIOR_RETURNS) {
    this.#prior = priorReturns;
    // Before anything is known: who was accessed lately and more than once is worth more.
    for (let at = 0; at < this.#density.length; at++) {
      const useLevel = Math.floor(at / AGES / (4 * GAPS));
      this.#density[at] = (1 + useLevel) / (1 + AGE_START[at % AGES]!);
    }
    this.#findFloors();
  }

  /** A segment of that class was accessed at an age of so many accesses. */
  returned(reuseClass: number, accesses: number): void {
    this.#returns[reuseClass * AGES + ageOf(accesses)]! += 1;
  }

  /** `segments` of that class are taken to have that age at one access. */
  exposed(reuseClass: number, accesses: number, segments: number): void {
    this.#exposure[reuseClass * AGES + ageOf(accesses)]! += segments;
  }

  /** Hits an access that a segment of that class and age is good for, if it stays as long as that pays best: see {@link update}. */
  densityOf(reuseClass: number, age: number): number {
    if (this.#isStale[reuseClass] === 1) this.#settle(reuseClass);
    return this.#density[reuseClass * AGES + age]!;
  }

  /** The least of `densityOf` from the youngest age to that one; to be asked after `densityOf`. */
  floorOf(reuseClass: number, age: number): number {
    return this.#floor[reuseClass * AGES + age]!;
  }

  /** The oldest age from `age` on up to which every density is above `density`; `age` where there is none. To be asked after `densityOf`. */
  ageAbove(reuseClass: number, age: number, density: number): number {
    const from = reuseClass * AGES;
    const floor = this.#floor;
    let above = age;
    let below = AGES;
    while (below - above > 1) {
      const middle = (above + below) >> 1;
      if (floor[from + middle]! > density) above = middle;
      else below = middle;
    }
    return above;
  }

  /**
   * Works out the hazards anew, and lets `accesses` pass, over `halfLife` of which what was counted comes to half. The densities of a class
   * follow when somebody asks: few classes have residents. O(classes x ages), with ages up to the oldest that was seen.
   */
  update(accesses: number, halfLife: number): void {
    const returns = this.#returns;
    const exposure = this.#exposure;
    const density = this.#density;
    const gapReturns = new Float64Array(GAPS * AGES);
    const gapExposure = new Float64Array(GAPS * AGES);
    const allReturns = new Float64Array(AGES);
    const allExposure = new Float64Array(AGES);
    const isObserved = new Uint8Array(CLASSES);
    let ages = 0;
    for (let reuseClass = 0; reuseClass < CLASSES; reuseClass++) {
      const gapFrom = gapOf(reuseClass) * AGES;
      const from = reuseClass * AGES;
      for (let age = 0; age < AGES; age++) {
        const returned = returns[from + age]!;
        const exposed = exposure[from + age]!;
        if (exposed === 0 && returned === 0) continue;
        gapReturns[gapFrom + age]! += returned;
        gapExposure[gapFrom + age]! += exposed;
        allReturns[age]! += returned;
        allExposure[age]! += exposed;
        isObserved[reuseClass] = 1;
        if (age >= ages) ages = age + 1;
      }
    }
    const prior = this.#prior;
    const gapHazard = new Float64Array(GAPS * AGES);
    for (let age = 0; age < ages; age++) {
      const all = (allReturns[age]! + 0.5 / AGE_START[age]!) / (allExposure[age]! + 0.5);
      for (let at = age; at < gapHazard.length; at += AGES) {
        gapHazard[at] = Math.min(1, shrunk(gapReturns[at]!, gapExposure[at]!, all, prior));
      }
    }
    const kept = power(0.5, accesses / halfLife);
    for (let reuseClass = 0; reuseClass < CLASSES; reuseClass++) {
      const gapFrom = gapOf(reuseClass) * AGES;
      const from = reuseClass * AGES;
      if (isObserved[reuseClass] === 0) {
        density.set(gapHazard.subarray(gapFrom, gapFrom + ages), from);
        continue;
      }
      for (let age = 0; age < ages; age++) {
        const at = from + age;
        const returned = returns[at]!;
        const exposed = exposure[at]!;
        density[at] = Math.min(1, shrunk(returned, exposed, gapHazard[gapFrom + age]!, prior));
        returns[at] = returned * kept;
        exposure[at] = exposed * kept;
      }
    }
    this.#ages = ages;
    this.#isStale.fill(1);
  }

  /** Everything but what the settings give or what follows from the rest: #prior, #floor, #isStale, #ages. */
  persist(fields: StateFields): void {
    for (let reuseClass = 0; reuseClass < CLASSES && !fields.isRestoring; reuseClass++) {
      if (this.#isStale[reuseClass] === 1) this.#settle(reuseClass);
    }
    fields.into(this.#returns);
    fields.into(this.#exposure);
    fields.into(this.#density);
    if (!fields.isRestoring) return;
    this.#isStale.fill(0);
    this.#findFloors();
  }

  #settle(reuseClass: number): void {
    const from = reuseClass * AGES;
    const row = this.#density.subarray(from, from + AGES);
    hitDensities(row.subarray(0, this.#ages), row);
    this.#findFloor(from);
    this.#isStale[reuseClass] = 0;
  }

  #findFloors(): void {
    for (let from = 0; from < this.#density.length; from += AGES) this.#findFloor(from);
  }

  #findFloor(from: number): void {
    let floor = Number.POSITIVE_INFINITY;
    for (let at = from; at < from + AGES; at++) {
      const density = this.#density[at]!;
      if (density < floor) floor = density;
      this.#floor[at] = floor;
    }
  }
}

/** A rate from few observations, as if `prior` had come at the rate of the wider class. */
function shrunk(returns: number, exposure: number, wider: number, prior: number): number {
  return (returns + prior) / (exposure + prior / wider);
}
