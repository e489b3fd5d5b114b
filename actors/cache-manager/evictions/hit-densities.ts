/** What a resident is worth at each age: the most hits per access of residence that its hazards promise. */

import { exponential } from '../../../engine/portable-math.ts';
import { ageCount, ageStart } from './reuse-ages.ts';

const AGES = ageCount;
const AGE_START = ageStart;

/** Scratch of {@link hitDensities}: stretches of ages, each worth more than the next, and what each is good for seen from where it begins. */
const stretchHits = new Float64Array(AGES);
const stretchTime = new Float64Array(AGES);
const stretchStays = new Float64Array(AGES);

/**
 * For each age the most hits per access of residence that a segment is good for: over all ages to which it might be kept, the
 * chance that it is accessed by then, over the time that it stays if it leaves at its access or then. That quotient is Gittins' index
 * of a job that ends with an access. Hazards are taken as constant within a half octave.
 *
 * O(ages): hits against time of residence is a line through the half octaves whose slope in each is its hazard, so the quotient sought is the
 * slope of that line's upper concave hull. Going from the oldest age to the youngest, a half octave is pooled with the stretches after it
 * for as long as these have the higher slope. Source: pooling adjacent violators, Ayer et al., "An empirical distribution function for sampling
 * with incomplete information", 1955.
 * @param hazard by age, each above 0 and at most 1
 * @param into by age; ages beyond those of `hazard` get the value of its last. It may be the array of `hazard`
 */
export function hitDensities(hazard: Float64Array, into: Float64Array): void {
  const ages = hazard.length;
  let top = -1;
  for (let age = ages - 1; age >= 0; age--) {
    const rate = hazard[age]!;
    const length = AGE_START[age + 1]! - AGE_START[age]!;
    if (length === 0) {
      // The empty half octave: no age is in it.
      into[age] = top >= 0 ? stretchHits[top]! / stretchTime[top]! : rate;
      continue;
    }
    // Half of the first interval is over in the mean.
    const half = (rate * length) / 2;
    const halfStays = half < 1e-6 ? 1 - half : exponential(-half);
    const halfHits = half < 1e-6 ? half * (1 - half / 2) : 1 - halfStays;
    let hits = halfHits;
    let time = halfHits / rate;
    let stays = halfStays;
    for (let at = top; at >= 0 && stretchHits[at]! * time > hits * stretchTime[at]!; at--) {
      hits += stays * stretchHits[at]!;
      time += stays * stretchTime[at]!;
      stays *= stretchStays[at]!;
    }
    into[age] = hits / time;
    // From where the interval begins: both halves, which have the same slope, then what is steeper.
    hits = halfHits * (1 + halfStays);
    time = hits / rate;
    stays = halfStays * halfStays;
    while (top >= 0 && stretchHits[top]! * time > hits * stretchTime[top]!) {
      hits += stays * stretchHits[top]!;
      time += stays * stretchTime[top]!;
      stays *= stretchStays[top]!;
      top--;
    }
    top++;
    stretchHits[top] = hits;
    stretchTime[top] = time;
    stretchStays[top] = stays;
  }
  into.fill(ages > 0 ? into[ages - 1]! : 0, ages);
}
