/** Prediction by partial matching: the longest context that is known speaks first, shorter ones for what it leaves open. */

import { assert } from '../../engine/assert.ts';
import { type Snapshot, SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { ConsumerTrails } from './consumer-trails.ts';
import { FOLLOWER_ONE, FollowerTable } from './follower-table.ts';
import type { NextItemModel, NextItemRanking } from './next-item-model.ts';
import { RankedCandidates } from './ranked-candidates.ts';

const ORDER_MAX = 8;
/** Followers kept by contexts of 0, 1, 2 and more segments. */
const widths = [64, 24, 8, 4] as const;
/** How the bytes are shared out: contexts in equal parts, and trails. */
const TRAIL_SHARE = 0.15;
const CANDIDATES = 128;

export interface PpmModelOptions {
  /** Segments in the longest context: 1..8. With 1 it is a decayed first-order Markov model. */
  readonly orderMax: number;
  readonly bytesMax: number;
  readonly consumerCountMax: number;
  readonly sightingsMax: number;
}

/**
 * One table an order, over all consumers. A context with total n and d followers gives a follower of weight w the probability w / (n + d) and
 * leaves d / (n + d) to the next shorter one, from which what has been named is excluded. Source: Cleary and Witten 1984; escape C:
 * Moffat 1990. Counts are decayed and followers bounded, which the original's are not. O(order x width) a call.
 */
export class PpmModel implements NextItemModel {
  readonly name: string;
  readonly #orderMax: number;
  readonly #tables: readonly FollowerTable[];
  readonly #trails: ConsumerTrails;
  readonly #candidates = new RankedCandidates(CANDIDATES, 1);
  readonly #probability = new Float64Array(CANDIDATES);

  constructor(options: PpmModelOptions) {
    const { orderMax, sightingsMax, bytesMax } = options;
    assert(orderMax >= 1 && orderMax <= ORDER_MAX, `an order of ${orderMax} is not in 1..${ORDER_MAX}`);
    this.name = orderMax === 1 ? 'markov' : 'ppm';
    this.#orderMax = orderMax;
    const tableBytes = ((1 - TRAIL_SHARE) * bytesMax) / (orderMax + 1);
    this.#tables = Array.from(
      { length: orderMax + 1 },
      (_, order) => new FollowerTable({ width: widths[Math.min(order, 3)]!, sightingsMax, bytesMax: tableBytes }),
    );
    this.#trails = new ConsumerTrails({
      consumerCountMax: options.consumerCountMax,
      bytesMax: TRAIL_SHARE * bytesMax,
    });
  }

  get bytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.bytes, this.#trails.bytes);
  }

  get evictedCount(): number {
    return this.#tables.reduce((sum, table) => sum + table.evictedCount, this.#trails.evictedCount);
  }

  observe(consumer: number, segment: number, timeMs: number): void {
    const trails = this.#trails;
    const trail = trails.trailOf(consumer);
    const steps = trails.stepCount(trail);
    if (steps > 0 && trails.segmentAt(trail, 0) === segment) {
      trails.repeat(trail, timeMs);
      return;
    }
    for (let order = 0; order <= Math.min(this.#orderMax, steps); order++) {
      const table = this.#tables[order]!;
      const [a, b] = this.#keyOf(trail, order);
      // A longer context is begun once its shorter one is known.
      const isNew = table.find(a, b) < 0;
      table.follow(table.see(a, b), segment);
      if (isNew) break;
    }
    trails.push(trail, segment, timeMs);
  }

  forecast(consumer: number, into: NextItemRanking): void {
    into.count = 0;
    const trail = this.#trails.find(consumer);
    if (trail < 0) return;
    const latest = this.#trails.segmentAt(trail, 0);
    const candidates = this.#candidates;
    candidates.begin(latest);
    let left = 1;
    for (let order = Math.min(this.#orderMax, this.#trails.stepCount(trail)); order >= 0; order--) {
      const [a, b] = this.#keyOf(trail, order);
      const row = this.#tables[order]!.find(a, b);
      if (row >= 0) left = this.#name(this.#tables[order]!, row, latest, left);
    }
    for (let slot = 0; slot < candidates.count; slot++) {
      into.offer(candidates.segment[slot]!, this.#probability[slot]!);
    }
  }

  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    for (const part of [this.#trails, ...this.#tables]) part.save(writer);
    return writer.finish();
  }

  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    for (const part of [this.#trails, ...this.#tables]) part.load(reader);
  }

  /** Shares `left` out among the followers that are not named yet; gives what is left for shorter contexts. */
  #name(table: FollowerTable, row: number, latest: number, left: number): number {
    const candidates = this.#candidates;
    const named = candidates.count;
    let total = table.totalAt(row);
    let distinct = 0;
    for (let place = 0; place < table.width && table.followerAt(row, place) >= 0; place++) {
      const segment = table.followerAt(row, place);
      const slot = candidates.find(segment);
      if (segment === latest || (slot >= 0 && slot < named)) {
        total -= table.weightAt(row, place);
        continue;
      }
      distinct++;
      const count = candidates.count;
      candidates.add(segment);
      if (candidates.count > count) this.#probability[count] = table.weightAt(row, place);
    }
    // Weights rest on sightings of a fixed-point one, and so does the escape.
    const escaped = FOLLOWER_ONE * distinct;
    const scale = left / (Math.max(0, total) + escaped || 1);
    for (let slot = named; slot < candidates.count; slot++) this.#probability[slot] = this.#probability[slot]! * scale;
    return left * (distinct === 0 ? 1 : escaped * (scale / left));
  }

  #keyOf(trail: number, order: number): readonly [number, number] {
    const trails = this.#trails;
    if (order === 0) return [0, 0];
    let h = 0;
    for (let back = order - 1; back > 0; back--) {
      h = Math.imul(h ^ (trails.segmentAt(trail, back) + 1), 0x9e3779b1);
      h ^= h >>> 15;
    }
    return [h >>> 0, trails.segmentAt(trail, 0) + 1];
  }
}
