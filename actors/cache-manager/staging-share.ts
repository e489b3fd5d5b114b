/** How much of a cache staged segments may take: moved online towards whichever side would gain by more room. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * The boundary between prefetch cache and reactive cache learns from regrets, as ARC's does from its ghost lists (Megiddo and
 * Modha, FAST'03, section 3):
 * - a demand miss on a segment that left the prefetch cache unused not long ago says that it was too small: grow;
 * - a demand miss on a segment that the baseline holds says that lent space was missed: shrink.
 * Not long ago means: no more segments were wasted since than the prefetch cache could hold at most. Each regret moves the
 * boundary by one segment's worth, weighed as in ARC so that the rarer kind counts more.
 *
 * It starts small, because what a predictor knows at first is little: a few segments. O(1) per call; 8 bytes a segment.
 */
export class StagingShare {
  readonly #least: number;
  readonly #most: number;
  readonly #meanUnits: () => number;
  #target: number;
  #wastedCount = 0;
  /** `#wastedCount` when the segment was last wasted; 0 = never, or no longer remembered. */
  #wastedAt: Float64Array;
  #growRegrets = 1;
  #shrinkRegrets = 1;

  /**
   * @param least units that are always granted, `most` units that are never exceeded, `first` where it starts.
   * @param meanUnits what one segment takes, for steps and for how far back "not long ago" is.
   */
  constructor(options: {
    readonly least: number;
    readonly most: number;
    readonly first: number;
    readonly meanUnits: () => number;
    readonly segmentCountHint: number;
  }) {
    this.#least = Math.min(options.least, options.most);
    this.#most = options.most;
    this.#target = Math.min(this.#most, Math.max(this.#least, options.first));
    this.#meanUnits = options.meanUnits;
    this.#wastedAt = new Float64Array(options.segmentCountHint);
  }

  /** Units that staged segments may take now. */
  get units(): number {
    return this.#target;
  }

  /** A segment left the prefetch cache unused. */
  wasted(segment: number): void {
    if (segment >= this.#wastedAt.length) {
      const larger = new Float64Array(Math.max(segment + 1, this.#wastedAt.length * 2));
      larger.set(this.#wastedAt);
      this.#wastedAt = larger;
    }
    this.#wastedAt[segment] = ++this.#wastedCount;
  }

  /** A demand was missed. `pollution` = as many such misses as this one stands for were on segments that the baseline held. */
  missed(segment: number, pollution: number): void {
    const step = this.#meanUnits();
    const at = segment < this.#wastedAt.length ? this.#wastedAt[segment]! : 0;
    if (at > 0) {
      this.#wastedAt[segment] = 0;
      if ((this.#wastedCount - at) * step <= this.#most) {
        this.#growRegrets++;
        this.#target = Math.min(this.#most, this.#target + step * Math.max(1, this.#shrinkRegrets / this.#growRegrets));
      }
    }
    if (pollution > 0) {
      this.#shrinkRegrets += pollution;
      const weight = pollution * Math.max(1, this.#growRegrets / this.#shrinkRegrets);
      this.#target = Math.max(this.#least, this.#target - step * weight);
    }
    if (this.#growRegrets + this.#shrinkRegrets >= 1024) {
      this.#growRegrets /= 2;
      this.#shrinkRegrets /= 2;
    }
  }

  /** Everything but what the settings give: #least, #most, #meanUnits. */
  persist(fields: StateFields): void {
    this.#target = fields.number(this.#target);
    this.#wastedCount = fields.number(this.#wastedCount);
    this.#wastedAt = fields.array(this.#wastedAt);
    this.#growRegrets = fields.number(this.#growRegrets);
    this.#shrinkRegrets = fields.number(this.#shrinkRegrets);
  }
}
