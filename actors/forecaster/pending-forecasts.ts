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
 * make every score look too low for as long as the horizon. Memory: about 29 + 16 x experts + 8 x said bytes each, 16 bytes an id ever forecast.
 */
export class PendingForecasts {
  readonly #expertCount: number;
  readonly #saidCount: number;
  readonly #max: number;
  readonly #partCount: number;
  /** By part: number of the first forecast of which it was not handed out. */
  readonly #partNext: Float64Array;
  #capacity: number;
  /** Forecasts are numbered as they come; those from `#first` on wait, in slot number % capacity. */
  #first = 0;
  #next = 0;
  #segment: Uint32Array;
  #deadline: Float64Array;
  /** Part of its horizon in which it came true, from 1 on; 0 = it has not. */
  #hitPart: Uint8Array;
  /** Number of the forecast of the same segment before; below `#first` = none that waits. */
  #older: Float64Array;
  #stated: Float64Array;
  /** Scores, then calibrated probabilities, of each expert; NaN = asleep. */
  #scores: Float64Array;
  #calibrated: Float64Array;
  /** What led from the mixture to the stated probability. */
  #said: Float64Array;
  #newestOf = new Float64Array(1024).fill(-1);
  /** When a segment was first forecast since its latest access; NaN = not since. */
  #sinceOf = new Float64Array(1024).fill(Number.NaN);
  /** 1 = it was forecast since its latest access. Follows from `#sinceOf`, in a byte instead of eight. */
  #isAwaited = new Uint8Array(1024);

  /** @param partCount parts of the horizon that are told apart. */
  constructor(expertCount: number, saidCount: number, max: number, partCount: number) {
    this.#partCount = partCount;
    this.#partNext = new Float64Array(partCount);
    this.#expertCount = expertCount;
    this.#saidCount = saidCount;
    this.#max = max;
    this.#capacity = Math.min(max, 1024);
    const n = this.#capacity;
    this.#segment = new Uint32Array(n);
    this.#deadline = new Float64Array(n);
    this.#hitPart = new Uint8Array(n);
    this.#older = new Float64Array(n);
    this.#stated = new Float64Array(n);
    this.#scores = new Float64Array(n * expertCount);
    this.#calibrated = new Float64Array(n * expertCount);
    this.#said = new Float64Array(n * saidCount);
  }

  /** Whether anything was ever queued: from then on accesses must be told. */
  get isUsed(): boolean {
    return this.#next > 0;
  }

  /** For how long before `instant` the segment has been forecast without an access; 0 = not yet. */
  overdueAt(segment: number, instant: number): number {
    const since = segment < this.#sinceOf.length ? this.#sinceOf[segment]! : Number.NaN;
    return Number.isNaN(since) ? 0 : instant - since;
  }

  get count(): number {
    return this.#next - this.#first;
  }

  /** Queues a forecast; false when the queue is full. Deadlines never decrease. */
  push(
    segment: number,
    instant: number,
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
      const since = new Float64Array(longer.length).fill(Number.NaN);
      since.set(this.#sinceOf);
      this.#sinceOf = since;
      const isAwaited = new Uint8Array(longer.length);
      isAwaited.set(this.#isAwaited);
      this.#isAwaited = isAwaited;
    }
    const number = this.#next++;
    const at = number % this.#capacity;
    this.#segment[at] = segment;
    this.#deadline[at] = deadline;
    this.#hitPart[at] = 0;
    this.#stated[at] = stated;
    this.#older[at] = this.#newestOf[segment]!;
    this.#newestOf[segment] = number;
    if (Number.isNaN(this.#sinceOf[segment]!)) this.#sinceOf[segment] = instant;
    this.#isAwaited[segment] = 1;
    for (let e = 0; e < this.#expertCount; e++) {
      this.#scores[at * this.#expertCount + e] = scores[from + e]!;
      this.#calibrated[at * this.#expertCount + e] = calibrated[from + e]!;
    }
    for (let i = 0; i < this.#saidCount; i++) this.#said[at * this.#saidCount + i] = said[saidFrom + i]!;
    return true;
  }

  /** `segment` was accessed: every forecast of it whose deadline is not past came true. `length`: of the horizon. */
  access(segment: number, instant: number, length: number): void {
    if (segment >= this.#isAwaited.length || this.#isAwaited[segment] === 0) return;
    this.#isAwaited[segment] = 0;
    this.#sinceOf[segment] = Number.NaN;
    this.#mark(this.#newestOf[segment]!, instant, length);
  }

  /**
   * {@link access} of each of `segments`, the i-th at `instants[i]`, which never fall: so of forecasts that an access has met, none is left
   * to a later one, and a segment that was not forecast since its latest access costs one look at a byte.
   */
  observe(segments: Uint32Array, instants: Float64Array, length: number): void {
    const isAwaited = this.#isAwaited;
    const ids = isAwaited.length;
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i]!;
      if (segment < ids && isAwaited[segment] !== 0) this.access(segment, instants[i]!, length);
    }
  }

  /**
   * Hands out, part by part and oldest first, each part of a horizon of `length` that was over before `instant`, of the forecasts that had not come true
   * before it: columns of `scores` begin at `from`, those of `said` at `saidFrom`. To be called before the forecasts themselves are taken.
   */
  takeParts(
    instant: number,
    length: number,
    visit: (
      part: number,
      isHit: boolean,
      scores: Float64Array,
      from: number,
      said: Float64Array,
      saidFrom: number,
    ) => void,
  ): void {
    for (let part = 0; part < this.#partCount; part++) {
      const rest = (length * (this.#partCount - 1 - part)) / this.#partCount;
      let number = Math.max(this.#first, this.#partNext[part]!);
      for (; number < this.#next; number++) {
        const at = number % this.#capacity;
        if (!(this.#deadline[at]! - rest < instant)) break;
        const hitPart = this.#hitPart[at]!;
        if (hitPart !== 0 && hitPart <= part) continue;
        visit(part, hitPart === part + 1, this.#scores, at * this.#expertCount, this.#said, at * this.#saidCount);
      }
      this.#partNext[part] = number;
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
        isHit: this.#hitPart[at] !== 0,
        scores: this.#scores,
        calibrated: this.#calibrated,
        from: at * this.#expertCount,
        said: this.#said,
        saidFrom: at * this.#saidCount,
      });
    }
  }

  /** Everything but what the settings give (#expertCount, #saidCount, #max, #partCount) and #isAwaited, which follows. */
  persist(fields: StateFields): void {
    this.#capacity = fields.number(this.#capacity);
    this.#first = fields.number(this.#first);
    this.#next = fields.number(this.#next);
    fields.into(this.#partNext);
    this.#segment = fields.array(this.#segment);
    this.#deadline = fields.array(this.#deadline);
    this.#hitPart = fields.array(this.#hitPart);
    this.#older = fields.array(this.#older);
    this.#stated = fields.array(this.#stated);
    this.#scores = fields.array(this.#scores);
    this.#calibrated = fields.array(this.#calibrated);
    this.#said = fields.array(this.#said);
    this.#newestOf = fields.array(this.#newestOf);
    this.#sinceOf = fields.array(this.#sinceOf);
    if (fields.isRestoring) this.#isAwaited = Uint8Array.from(this.#sinceOf, (since) => (Number.isNaN(since) ? 0 : 1));
  }

  /** The forecasts of one segment from `newest` back came true at `instant`. */
  #mark(newest: number, instant: number, length: number): void {
    let number = newest;
    while (number >= this.#first) {
      const at = number % this.#capacity;
      // Older ones are past too, or were marked by the access that marked this one.
      if (this.#deadline[at]! < instant || this.#hitPart[at] !== 0) return;
      // A part ends before its deadline, as the whole does.
      const left = Math.floor(((this.#deadline[at]! - instant) * this.#partCount) / length);
      this.#hitPart[at] = Math.max(1, this.#partCount - left);
      number = this.#older[at]!;
    }
  }

  #grow(): void {
    const before = this.#capacity;
    const after = Math.min(this.#max, before * 2);
    const experts = this.#expertCount;
    const segment = new Uint32Array(after);
    const deadline = new Float64Array(after);
    const hitPart = new Uint8Array(after);
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
      hitPart[to] = this.#hitPart[from]!;
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
    this.#hitPart = hitPart;
    this.#older = older;
    this.#stated = stated;
    this.#scores = scores;
    this.#calibrated = calibrated;
    this.#said = said;
  }
}
