/** Counts what was refused, by reason, and tells of it at a bounded rate. */

import type { Clock } from '../clock.ts';

/** Reasons beyond so many are counted together: a reason may not become a way to fill memory. */
const REASONS_MAX = 64;
const OTHER = 'other';

export class Refusals {
  readonly #clock: Clock;
  readonly #perSecondMax: number;
  readonly #tell: (reason: string, who: string) => void;
  readonly #counts = new Map<string, number>();
  #second = -1;
  #toldCount = 0;

  constructor(clock: Clock, perSecondMax: number, tell: (reason: string, who: string) => void) {
    this.#clock = clock;
    this.#perSecondMax = perSecondMax;
    this.#tell = tell;
  }

  add(reason: string, who: string): void {
    const name = this.#counts.has(reason) || this.#counts.size < REASONS_MAX ? reason : OTHER;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#toldCount = 0;
    }
    if (this.#toldCount++ < this.#perSecondMax) this.#tell(name, who);
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
