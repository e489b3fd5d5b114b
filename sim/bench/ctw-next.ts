/** Context tree weighting as a yardstick of `bench:next`: all orders at once, each weighed by how well it coded the past; unbounded. */

import type { Snapshot } from '../../actors/near-loop/snapshot.ts';
import type { NextItemModel, NextItemRanking } from '../../actors/sequence-predictor/next-item-model.ts';

const ORDER_MAX = 4;
/** Followers looked at in one context, the most frequent first seen first. */
const FOLLOWERS_MAX = 96;
/** Log-odds of a context against its longer ones are kept within this, so that what changes can be followed. */
const LOG_ODDS_MAX = 12;

interface Context {
  readonly counts: Map<number, number>;
  total: number;
  /** Of this context's own estimate against the weighted ones of its longer contexts: the ratio of what they gave the past. */
  logOdds: number;
}

/**
 * Willems, Shtarkov and Tjalkens, "The Context-Tree Weighting Method" (IEEE Transactions on Information Theory 41, 1995): a context's weighted probability
 * is half its own estimate's and half that of the contexts one longer, which as a prediction means that each is believed by the ratio
 * of what both gave the past. Segments are no bits: the estimator is that of PPM's escape C, and the tree is one over all consumers, each of
 * which walks it by its own latest segments. Where a longer context is not known, the shorter one speaks alone.
 */
export class CtwModel implements NextItemModel {
  readonly name = 'ctw';
  readonly evictedCount = 0;
  readonly #contexts = new Map<string, Context>();
  readonly #trails = new Map<number, number[]>();
  readonly #segments = new Set<number>();

  /** A rough count: 48 bytes a follower, 200 a context. */
  get bytes(): number {
    let followers = 0;
    for (const { counts } of this.#contexts.values()) followers += counts.size;
    return 48 * followers + 200 * this.#contexts.size;
  }

  observe(consumer: number, segment: number): void {
    const trail = this.#trails.get(consumer) ?? [];
    this.#trails.set(consumer, trail);
    if (trail.at(-1) === segment) return;
    const path = this.#pathOf(trail);
    let longer = Number.NaN;
    for (let order = path.length - 1; order >= 0; order--) {
      const own = this.#estimate(path[order]!, segment);
      if (Number.isNaN(longer)) {
        longer = own;
        continue;
      }
      const context = path[order]!;
      const weighted = mix(context.logOdds, own, longer);
      const moved = context.logOdds + Math.log(own) - Math.log(longer);
      context.logOdds = Math.max(-LOG_ODDS_MAX, Math.min(LOG_ODDS_MAX, moved));
      longer = weighted;
    }
    for (let order = 0; order <= Math.min(ORDER_MAX, trail.length); order++) {
      const key = keyOf(trail, order);
      const known = this.#contexts.get(key);
      const context = known ?? { counts: new Map<number, number>(), total: 0, logOdds: 0 };
      if (known === undefined) this.#contexts.set(key, context);
      context.counts.set(segment, (context.counts.get(segment) ?? 0) + 1);
      context.total++;
      // A longer context is begun once its shorter one is known.
      if (known === undefined) break;
    }
    this.#segments.add(segment);
    trail.push(segment);
    if (trail.length > ORDER_MAX) trail.shift();
  }

  forecast(consumer: number, into: NextItemRanking): void {
    into.count = 0;
    const trail = this.#trails.get(consumer);
    if (trail === undefined || trail.length === 0) return;
    const path = this.#pathOf(trail);
    const candidates = new Set<number>();
    for (let order = path.length - 1; order >= 0; order--) {
      let taken = 0;
      for (const segment of path[order]!.counts.keys()) {
        if (taken++ === FOLLOWERS_MAX) break;
        candidates.add(segment);
      }
    }
    candidates.delete(trail.at(-1)!);
    for (const segment of candidates) {
      let p = Number.NaN;
      for (let order = path.length - 1; order >= 0; order--) {
        const own = this.#estimate(path[order]!, segment);
        p = Number.isNaN(p) ? own : mix(path[order]!.logOdds, own, p);
      }
      into.offer(segment, p);
    }
  }

  snapshot(): Snapshot {
    throw new Error('a yardstick is not saved');
  }

  restore(): void {
    throw new Error('a yardstick is not restored');
  }

  /** The contexts that are known, the shortest first. */
  #pathOf(trail: readonly number[]): readonly Context[] {
    const path: Context[] = [];
    for (let order = 0; order <= Math.min(ORDER_MAX, trail.length); order++) {
      const context = this.#contexts.get(keyOf(trail, order));
      if (context === undefined) break;
      path.push(context);
    }
    return path;
  }

  /** Escape C: a follower seen n times of a total t with d distinct has n / (t + d), all others share d / (t + d). */
  #estimate({ counts, total }: Context, segment: number): number {
    const count = counts.get(segment);
    const all = total + counts.size;
    return count === undefined ? counts.size / all / Math.max(1, this.#segments.size - counts.size) : count / all;
  }
}

function keyOf(trail: readonly number[], order: number): string {
  return order === 0 ? '' : trail.slice(-order).join();
}

function mix(logOdds: number, own: number, longer: number): number {
  const share = 1 / (1 + Math.exp(-logOdds));
  return share * own + (1 - share) * longer;
}
