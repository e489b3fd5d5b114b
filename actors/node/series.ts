/** How the node went lately: a sample a second, for whoever opens the dashboard. */

import type { Clock, TimerId } from '../../engine/clock.ts';
import type { EngineStats } from '../engine/engine-stats.ts';

/** Counters as they stood at an instant. */
export interface SeriesSample {
  readonly atMs: number;
  readonly accesses: number;
  readonly misses: number;
  readonly baselineMisses: number;
  readonly referenceMisses: number;
  readonly issued: number;
  readonly used: number;
  readonly headroom: number | null;
}

const SAMPLES_MAX = 900;
const SAMPLE_MS = 1000;

/** The last quarter of an hour, 60 bytes or so a second. */
export class Series {
  readonly #clock: Clock;
  readonly #stats: () => EngineStats | null;
  readonly #samples: SeriesSample[] = [];
  #timer: TimerId | null = null;

  constructor(clock: Clock, stats: () => EngineStats | null) {
    this.#clock = clock;
    this.#stats = stats;
  }

  get samples(): readonly SeriesSample[] {
    return this.#samples;
  }

  begin(): void {
    this.#take();
    this.#timer = this.#clock.setTimeout(() => this.begin(), SAMPLE_MS);
  }

  end(): void {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
  }

  #take(): void {
    const stats = this.#stats();
    if (stats === null) return;
    const { prefetches } = stats;
    this.#samples.push({
      atMs: Math.round(this.#clock.now()),
      accesses: stats.accesses,
      misses: stats.misses,
      baselineMisses: stats.baselineMisses,
      referenceMisses: stats.referenceMisses,
      issued: prefetches.issued,
      used: prefetches.useful + prefetches.late,
      headroom: Number.isFinite(stats.governor.trafficHeadroom) ? stats.governor.trafficHeadroom : null,
    });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }
}
