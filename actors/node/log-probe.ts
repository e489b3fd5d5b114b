/** After a failed append, asks the log now and then whether one would succeed, so that a node comes back without being told to. */

import { type BackOffConfig, backOffMs } from '../../engine/back-off.ts';
import type { Clock, TimerId } from '../../engine/clock.ts';
import type { RandomSource } from '../../engine/random.ts';

export interface LogProbeOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly backOff: BackOffConfig;
  /** Tries the log; who is asked tells `failed` or `succeeded` of what came of it. */
  readonly probe: () => void;
}

/** One timer at most; waits grow while it fails. Bounded work: a probe writes and removes a few kilobytes. */
export class LogProbe {
  readonly #options: LogProbeOptions;
  #timer: TimerId | null = null;
  #attempt = 0;
  #isEnded = false;

  constructor(options: LogProbeOptions) {
    this.#options = options;
  }

  /** An append or a probe failed. */
  failed(): void {
    if (this.#timer !== null || this.#isEnded) return;
    const { clock, backOff, random, probe } = this.#options;
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = null;
        probe();
      },
      backOffMs(this.#attempt++, backOff, random),
    );
  }

  /** One succeeded. */
  succeeded(): void {
    this.#attempt = 0;
    this.#stop();
  }

  /** Asks no more. */
  end(): void {
    this.#isEnded = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
