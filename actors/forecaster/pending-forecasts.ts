/** Forecasts of one horizon that wait for their outcome. */

import type { StateFields } from '../../engine/state-fields.ts';

/** A forecast whose time has passed. Columns of `scores` and `calibrated` begin at `from`, those of `said` at `saidFrom`. */
export interface DueForecast {
  /** As it was queued. */
  readonly stated: number;
  readonly isHit: boolean;
  readonly scores: Float64Array;
  readonly calibrated: Float64Array;
  readonly from: number;
  readonly said: Float64Array;
  readonly saidFrom: number;
}

/**
 * A bounded queue in order of deadline, with the waiting forecasts of each segment linked, newest first: an access marks
 * those of its segment, in time proportional to them; nothing else is done per access.
 *
 * Outcomes are handed out when the deadline has passed, the hits too: hits learnt at once and misses at the deadline would
 * make every score look too low for as long as the horizon. Memory: about 29 + 16 x experts + 8 x said bytes each, 8 bytes an id ever forecast.
 */
export class PendingForecasts {
  readonly #expertCount: number;
  readonly #saidCount: number;
  readonly #max: number;
  #capacity: number;
  /** Forecasts are numbered as they come; those from `#first` on wait, in slot number % capacity. */
  #first = 0;
  #next = 0;
  #segment: Uint32Array;
  #deadline: Float64Array;
  #isHit: Uint8Array;
  /** Number of the forecast of the same segment before; below `#first` = none that waits. */
  #older: Float64Array;
  #stated: Float64Array;
  /** Scores, then calibrated probabilities, of each expert; NaN = asleep. */
  #scores: Float64Array;
  #calibrated: Float64Array;
  /** What led from the mixture to the stated probability. */
  #said: Float64Array;
  #newestOf = new Float64Array(1024).fill(-1);

  constructor(expertCount: number, saidCount: number, max: number) {
    this.#expertCount = expertCount;
    this.#saidCount = saidCount;
    this.#max = max;
    this.#capacity = Math.min(max, 1024);
    const n = this.#capacity;
    this.#segment = new Uint32Array(n);
    this.#deadline = new Float64Array(n);
    this.#isHit = new Uint8Array(n);
    this.#older = new Float64Array(n);
    this.#stated = new Float64Array(n);
    this.#scores = new Float64Array(n * expertCount);
    this.#calibrated = new Float64Array(n * expertCount);
    this.#said = new Float64Array(n * saidCount);
  }

  get count(): number {
    return this.#next - this.#first;
  }

  /** Queues a forecast; false when the queue is full. Deadlines never decrease. */
  push(
    segment: number,
    deadline: number,
    stated: number,
    scores: Float64Array,
    calibrated: Float64Array,
    from: number,
    said: Float64Array,
    saidFrom: number,
  ): boolean {
    if (this.count >= this.#max) return false;
    if (this.count === this.#capacity) this.#grow();
    if (segment >= this.#newestOf.length) {
      const longer = new Float64Array(Math.max(segment + 1, this.#newestOf.length * 2)).fill(-1);
      longer.set(this.#newestOf);
      this.#newestOf = longer;
    }
    const number = this.#next++;
    const at = number % this.#capacity;
    this.#segment[at] = segment;
    this.#deadline[at] = deadline;
    this.#isHit[at] = 0;
    this.#stated[at] = stated;
    this.#older[at] = this.#newestOf[segment]!;
    this.#newestOf[segment] = number;
    for (let e = 0; e < this.#expertCount; e++) {
      this.#scores[at * this.#expertCount + e] = scores[from + e]!;
      this.#calibrated[at * this.#expertCount + e] = calibrated[from + e]!;
    }
    for (let i = 0; i < this.#saidCount; i++) this.#said[at * this.#saidCount + i] = said[saidFrom + i]!;
    return true;
  }

  /** As `access` of each, in order: loads of one row overlap with those of the next. */
  accessAll(segments: Uint32Array, instants: Float64Array): void {
    const newestOf = this.#newestOf;
    const first = this.#first;
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i]!;
      if (segment < newestOf.length && newestOf[segment]! >= first) this.access(segment, instants[i]!);
    }
  }

  /** `segment` was accessed: every forecast of it whose deadline is not past came true. */
  access(segment: number, instant: number): void {
    if (segment >= this.#newestOf.length) return;
    let number = this.#newestOf[segment]!;
    while (number >= this.#first) {
      const at = number % this.#capacity;
      // Older ones are past too, or were marked by the access that marked this one.
      if (this.#deadline[at]! < instant || this.#isHit[at] === 1) return;
      this.#isHit[at] = 1;
      number = this.#older[at]!;
    }
  }

  /** Hands out, oldest first, the forecasts whose deadline is before `instant`; what it hands out stands until the next is queued. */
  takeExpired(instant: number, visit: (forecast: DueForecast) => void): void {
    while (this.#first < this.#next) {
      const at = this.#first % this.#capacity;
      if (!(this.#deadline[at]! < instant)) return;
      this.#first++;
      visit({
        stated: this.#stated[at]!,
        isHit: this.#isHit[at] === 1,
        scores: this.#scores,
        calibrated: this.#calibrated,
        from: at * this.#expertCount,
        said: this.#said,
        saidFrom: at * this.#saidCount,
      });
    }
  }

  /** Everything but what the settings give: #expertCount, #saidCount, #max. */
  persist(fields: StateFields): void {
    this.#capacity = fields.number(this.#capacity);
    this.#first = fields.number(this.#first);
    this.#next = fields.number(this.#next);
    this.#segment = fields.array(this.#segment);
    this.#deadline = fields.array(this.#deadline);
    this.#isHit = fields.array(this.#isHit);
    this.#older = fields.array(this.#older);
    this.#stated = fields.array(this.#stated);
    this.#scores = fields.array(this.#scores);
    this.#calibrated = fields.array(this.#calibrated);
    this.#said = fields.array(this.#said);
    this.#newestOf = fields.array(this.#newestOf);
  }

  #grow(): void {
    const before = this.#capacity;
    const after = Math.min(this.#max, before * 2);
    const experts = this.#expertCount;
    const segment = new Uint32Array(after);
    const deadline = new Float64Array(after);
    const isHit = new Uint8Array(after);
    const older = new Float64Array(after);
    const stated = new Float64Array(after);
    const scores = new Float64Array(after * experts);
    const calibrated = new Float64Array(after * experts);
    const width = this.#saidCount;
    const said = new Float64Array(after * width);
    for (let number = this.#first; number < this.#next; number++) {
      const from = number % before;
      const to = number % after;
      segment[to] = this.#segment[from]!;
      deadline[to] = this.#deadline[from]!;
      isHit[to] = this.#isHit[from]!;
      older[to] = this.#older[from]!;
      stated[to] = this.#stated[from]!;
      for (let e = 0; e < experts; e++) {
        scores[to * experts + e] = this.#scores[from * experts + e]!;
        calibrated[to * experts + e] = this.#calibrated[from * experts + e]!;
      }
      for (let i = 0; i < width; i++) said[to * width + i] = this.#said[from * width + i]!;
    }
    this.#capacity = after;
    this.#segment = segment;
    this.#deadline = deadline;
    this.#isHit = isHit;
    this.#older = older;
    this.#stated = stated;
    this.#scores = scores;
    this.#calibrated = calibrated;
    this.#said = said;
  }
}
