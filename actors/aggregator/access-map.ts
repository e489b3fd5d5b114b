/** How much each segment is used: the access map of one producer. */

import { assert } from '../../engine/assert.ts';
import { exp2 } from '../../engine/exp2.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { TimeAxis } from '../time-axis.ts';
import { clockHourAt, type TimeZone, zoneNamed } from '../time-zone.ts';
import type { AccessSummary } from './access-summary.ts';
import { type AggregatorConfig, aggregatorConfigSchema } from './aggregator-config.ts';
import { alignedBuffer } from './aligned-memory.ts';
import { consumerBit, distinctConsumers } from './consumer-sketch.ts';
import { type HotSegment, HotWindows } from './hot-windows.ts';
import { hourOfWeekOf, hoursPerWeek } from './hour-of-week.ts';
import { LowestHeap } from './lowest-heap.ts';
import { TopK } from './top-k.ts';

/** What the access map knows of one segment at an instant. */
export interface SegmentUse {
  readonly segment: number;
  /** Sum of weights since the segment entered the map. */
  readonly count: number;
  readonly bytes: number;
  /** Instant of the last access. */
  readonly last: number;
  /** Sum of weight x 2^-(age / halfLife); too high by at most `frequencyError`, never too low. */
  readonly frequency: number;
  readonly frequencyError: number;
  /** Approximate distinct consumers; saturates near 266. */
  readonly consumers: number;
}

const blockRows = 512;
/** Half-lives after which the scale is moved, so that no weight leaves the range of a double. */
const rebaseAt = 256;

/**
 * Count, bytes, last access, decayed frequency and distinct consumers by segment.
 *
 * Frequencies decay forward (Cormode et al., "Forward Decay", ICDE 2009): an access weighs 2^((t - landmark) / halfLife)
 * when it arrives and is never touched again, so decay costs one factor per distinct time and is exact; every 256
 * half-lives the landmark moves by whole half-lives, a multiplication by a power of two. At `segmentsMax` the map is a
 * Space-Saving summary over the decayed weights (Metwally et al., ICDT 2005): a new segment takes the place of the one with
 * the lowest frequency and inherits it as its error, at most (total decayed weight) / segmentsMax; its other counts start anew.
 * O(1) per access, O(log segmentsMax) at the bound. Memory: about 52 bytes a segment, 4 bytes an id ever seen.
 */
export class AccessMap {
  readonly config: AggregatorConfig;
  readonly axis = new TimeAxis();
  readonly #zone: TimeZone;
  #slotOf = new Int32Array(1024).fill(-1);
  #capacity = 1024;
  /** Four doubles a slot: count, bytes, last, forward-decayed frequency. */
  #stats = new Float64Array(alignedBuffer(this.#capacity * 32));
  #segment = new Uint32Array(this.#capacity);
  #error = new Float64Array(this.#capacity);
  #consumerBits = new Uint32Array(this.#capacity * 2);
  #count = 0;
  #heap: LowestHeap | null = null;
  #landmark = Number.NaN;
  #accessCount = 0;
  #weightTotal = 0;
  #replacedCount = 0;
  #hourOfWeek = new Float64Array(hoursPerWeek);
  #windows: HotWindows | null = null;
  #touched = 0;
  #hand = 0;

  constructor(config: AggregatorConfig = aggregatorConfigSchema.parse({})) {
    this.config = config;
    this.#zone = zoneNamed(config.timeZone);
  }

  get segmentCount(): number {
    return this.#count;
  }

  /** Accesses observed; each is counted in exactly one segment, or in one that was replaced since. */
  get accessCount(): number {
    return this.#accessCount;
  }

  get weightTotal(): number {
    return this.#weightTotal;
  }

  /** Segments that lost their place to another. */
  get replacedCount(): number {
    return this.#replacedCount;
  }

  /** Segments forgotten by full panes of the hot windows. */
  get windowPrunedCount(): number {
    return this.#windows?.prunedCount ?? 0;
  }

  get halfLife(): number {
    return this.axis.usesTime === false ? this.config.halfLifeAccesses : this.config.halfLifeMs;
  }

  observe(batch: AccessBatch): void {
    const instants = this.axis.instantsOf(batch);
    for (let from = 0; from < batch.length; from += blockRows) {
      this.#observeBlock(batch, instants, from, Math.min(batch.length, from + blockRows));
    }
    this.#accessCount += batch.length;
  }

  /** What is known of `segment` at `instant` (default: the latest); null where it is not in the map. */
  useOf(segment: number, instant = this.axis.latest): SegmentUse | null {
    const slot = segment < this.#slotOf.length ? this.#slotOf[segment]! : -1;
    if (slot < 0) return null;
    const scale = exp2((this.#landmark - instant) / this.halfLife);
    const count = this.#stats[slot * 4]!;
    return {
      segment,
      count,
      bytes: this.#stats[slot * 4 + 1]!,
      last: this.#stats[slot * 4 + 2]!,
      frequency: this.#stats[slot * 4 + 3]! * scale,
      frequencyError: this.#error[slot]! * scale,
      // The sketch errs by more than some counts: nobody has more consumers than accesses.
      consumers: Math.min(count, distinctConsumers(this.#consumerBits[slot * 2]!, this.#consumerBits[slot * 2 + 1]!)),
    };
  }

  /** The `k` segments of the highest decayed frequency, best first, ties by the smaller id. */
  findFrequent(k: number): readonly SegmentUse[] {
    const top = new TopK(Math.min(k, this.#count));
    for (let slot = 0; slot < this.#count; slot++) top.offer(this.#segment[slot]!, this.#stats[slot * 4 + 3]!);
    return Array.from(top.takeIds(), (segment) => this.useOf(segment)!);
  }

  /**
   * The `k` segments of the highest decayed frequency among the next `scanMax` of the map that `accepts` lets pass, best first, ties
   * by the smaller id. A hand goes round the map, so calls in turn see every segment. O(scanMax), whatever the map holds.
   */
  findNextFrequent(k: number, scanMax: number, accepts: (segment: number) => boolean): readonly SegmentUse[] {
    const scanned = Math.min(scanMax, this.#count);
    const top = new TopK(Math.min(k, scanned));
    const count = this.#count;
    const stats = this.#stats;
    let hand = this.#hand;
    let { floor } = top;
    for (let i = 0; i < scanned; i++) {
      if (hand >= count) hand = 0;
      const slot = hand++;
      const frequency = stats[slot * 4 + 3]!;
      if (frequency < floor) continue;
      const segment = this.#segment[slot]!;
      if (!top.wouldKeep(segment, frequency) || !accepts(segment)) continue;
      top.offer(segment, frequency);
      floor = top.floor;
    }
    this.#hand = hand;
    return Array.from(top.takeIds(), (segment) => this.useOf(segment)!);
  }

  /** The `k` segments most used in the last `window` (one of the configured widths), to within an eighth of it. */
  findHotSegments(window: number, k: number, now = this.axis.latest): readonly HotSegment[] {
    return this.#windows?.find(window, now, k) ?? [];
  }

  /** How many segments have a count in [2^i, 2^(i + 1)), for i from 0; counts below 1 are in the first. */
  frequencyHistogram(): Float64Array {
    const buckets = new Float64Array(64);
    let longest = 0;
    for (let slot = 0; slot < this.#count; slot++) {
      let bucket = 0;
      for (let count = this.#stats[slot * 4]!; count >= 2 && bucket < 63; count /= 2) bucket++;
      buckets[bucket]!++;
      if (bucket >= longest) longest = bucket + 1;
    }
    return buckets.slice(0, longest);
  }

  /** Weight by hour of the week, Monday 00:00 first; zeros on a trace without time. */
  hourOfWeekCounts(): Float64Array {
    return this.#hourOfWeek.slice();
  }

  /** The map's state, immutable, for merging and for a checkpoint. O(segments). Hot windows are not part of it. */
  summarize(producer: string, version: number): AccessSummary {
    const n = this.#count;
    const column = (offset: number): Float64Array =>
      Float64Array.from({ length: n }, (_, slot) => this.#stats[slot * 4 + offset]!);
    return {
      producer,
      version,
      halfLife: this.halfLife,
      landmark: this.#landmark,
      instant: this.axis.latest,
      usesTime: this.axis.usesTime,
      accessCount: this.#accessCount,
      weightTotal: this.#weightTotal,
      replacedCount: this.#replacedCount,
      segment: this.#segment.slice(0, n),
      count: column(0),
      bytes: column(1),
      last: column(2),
      frequency: column(3),
      frequencyError: this.#error.slice(0, n),
      consumerBits: this.#consumerBits.slice(0, n * 2),
      hourOfWeek: this.#hourOfWeek.slice(),
    };
  }

  /** A map that goes on from `summary`, as if it had seen the same accesses; hot windows start empty. */
  static restore(summary: AccessSummary, config: AggregatorConfig): AccessMap {
    const map = new AccessMap(config);
    map.axis.restore(summary.usesTime, summary.instant);
    assert(map.halfLife === summary.halfLife, 'a summary is restored with the half-life that it was made with');
    assert(summary.segment.length <= config.segmentsMax, 'a summary holds no more segments than the map may');
    map.#landmark = summary.landmark;
    map.#accessCount = summary.accessCount;
    map.#weightTotal = summary.weightTotal;
    map.#replacedCount = summary.replacedCount;
    map.#hourOfWeek = summary.hourOfWeek.slice();
    for (let i = 0; i < summary.segment.length; i++) {
      const slot = map.#addSlot(summary.segment[i]!);
      map.#stats[slot * 4] = summary.count[i]!;
      map.#stats[slot * 4 + 1] = summary.bytes[i]!;
      map.#stats[slot * 4 + 2] = summary.last[i]!;
      map.#stats[slot * 4 + 3] = summary.frequency[i]!;
      map.#error[slot] = summary.frequencyError[i]!;
      map.#consumerBits[slot * 2] = summary.consumerBits[i * 2]!;
      map.#consumerBits[slot * 2 + 1] = summary.consumerBits[i * 2 + 1]!;
    }
    return map;
  }

  /** Everything but what the settings give (`#zone`) and `#touched`. `#stats` lies aligned, `#heap` and `#windows` are made when they are needed first. */
  persist(fields: StateFields): void {
    fields.section('access-map');
    this.axis.persist(fields);
    this.#slotOf = fields.array(this.#slotOf);
    this.#capacity = fields.number(this.#capacity);
    this.#segment = fields.array(this.#segment);
    this.#error = fields.array(this.#error);
    this.#consumerBits = fields.array(this.#consumerBits);
    this.#count = fields.number(this.#count);
    this.#landmark = fields.number(this.#landmark);
    this.#accessCount = fields.number(this.#accessCount);
    this.#weightTotal = fields.number(this.#weightTotal);
    this.#replacedCount = fields.number(this.#replacedCount);
    this.#hourOfWeek = fields.array(this.#hourOfWeek);
    this.#hand = fields.number(this.#hand);
    this.#persistStats(fields);
    if (fields.flag(this.#windows !== null)) {
      this.#windows ??= this.#newWindows();
      this.#windows.persist(fields);
    }
    if (fields.flag(this.#heap !== null)) {
      this.#heap ??= this.#newHeap();
      this.#heap.persist(fields);
    }
  }

  #observeBlock(batch: AccessBatch, instants: Float64Array, from: number, to: number): void {
    const { segment, consumer, size, weight } = batch;
    const zone = this.#zone;
    const usesTime = this.axis.usesTime === true;
    this.#windows ??= this.#newWindows();
    const hourOfWeekCounts = this.#hourOfWeek;
    let slotOf = this.#slotOf;
    let stats = this.#stats;
    let bits = this.#consumerBits;
    // Touching all slots first lets their loads overlap; see keyed-aggregate.ts.
    let touched = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      if (id >= slotOf.length) {
        this.#growIndex(id);
        slotOf = this.#slotOf;
      }
      const slot = slotOf[id]!;
      if (slot >= 0) touched += stats[slot * 4]! + bits[slot * 2]!;
    }
    this.#touched += touched; // keeps the loads alive
    let at = Number.NaN;
    let factor = 0;
    let hourEnd = -Infinity;
    let hour = 0;
    let total = this.#weightTotal;
    let heap = this.#heap;
    for (let i = from; i < to; i++) {
      const instant = instants[i]!;
      if (instant !== at) {
        at = instant;
        factor = this.#factorAt(instant);
        heap = this.#heap;
        // Instants never fall, so within an hour none has to be divided.
        if (usesTime && instant >= hourEnd) {
          const { number, toMs } = clockHourAt(zone, instant);
          hour = hourOfWeekOf(number);
          hourEnd = toMs;
        }
      }
      const id = segment[i]!;
      const w = weight[i]!;
      const bytes = size[i]!;
      let slot = slotOf[id]!;
      if (slot < 0) {
        slot = this.#admit(id);
        stats = this.#stats;
        bits = this.#consumerBits;
        heap = this.#heap;
      }
      const f = slot * 4;
      stats[f] = stats[f]! + w;
      if (bytes > 0) stats[f + 1] = stats[f + 1]! + bytes * w;
      stats[f + 2] = instant;
      stats[f + 3] = stats[f + 3]! + w * factor;
      const who = consumer[i]!;
      if (who >= 0) {
        const bit = consumerBit(who);
        const word = slot * 2 + (bit >> 5);
        bits[word] = bits[word]! | (1 << (bit & 31));
      }
      if (heap !== null) heap.raise(slot);
      if (usesTime) hourOfWeekCounts[hour] = hourOfWeekCounts[hour]! + w;
      total += w;
    }
    this.#weightTotal = total;
    this.#windows.observe(segment, instants, weight, from, to);
  }

  /** Weight of an access at `instant` on the forward scale. */
  #factorAt(instant: number): number {
    const halfLife = this.halfLife;
    if (Number.isNaN(this.#landmark)) this.#landmark = instant;
    const halfLives = (instant - this.#landmark) / halfLife;
    if (halfLives > rebaseAt) {
      const whole = Math.floor(halfLives);
      const scale = exp2(-whole);
      for (let slot = 0; slot < this.#count; slot++) {
        this.#stats[slot * 4 + 3]! *= scale;
        this.#error[slot]! *= scale;
      }
      // Weights so small that they rounded to nothing may have tied: the order among them starts anew.
      if (this.#heap !== null) this.#heap = this.#newHeap();
      this.#landmark += whole * halfLife;
      return exp2((instant - this.#landmark) / halfLife);
    }
    return exp2(halfLives);
  }

  #admit(segment: number): number {
    if (this.#count < this.config.segmentsMax) return this.#addSlot(segment);
    if (this.#heap === null) this.#heap = this.#newHeap();
    const slot = this.#heap.lowest();
    this.#slotOf[this.#segment[slot]!] = -1;
    this.#slotOf[segment] = slot;
    this.#segment[slot] = segment;
    this.#error[slot] = this.#stats[slot * 4 + 3]!;
    this.#stats[slot * 4] = 0;
    this.#stats[slot * 4 + 1] = 0;
    this.#consumerBits.fill(0, slot * 2, slot * 2 + 2);
    this.#replacedCount++;
    return slot;
  }

  #newWindows(): HotWindows {
    const widths = this.axis.usesTime === false ? this.config.windowsAccesses : this.config.windowsMs;
    return new HotWindows(widths, this.config.windowSegmentsMax);
  }

  /** In aligned memory of its own, whose length is rounded up. */
  #persistStats(fields: StateFields): void {
    const stats = fields.array(this.#stats.subarray(0, this.#capacity * 4));
    if (!fields.isRestoring) return;
    this.#stats = new Float64Array(alignedBuffer(this.#capacity * 32));
    this.#stats.set(stats);
  }

  #newHeap(): LowestHeap {
    return new LowestHeap(this.#count, (slot) => this.#stats[slot * 4 + 3]!);
  }

  #addSlot(segment: number): number {
    if (this.#count === this.#capacity) this.#growSlots();
    if (segment >= this.#slotOf.length) this.#growIndex(segment);
    const slot = this.#count++;
    this.#slotOf[segment] = slot;
    this.#segment[slot] = segment;
    return slot;
  }

  #growSlots(): void {
    this.#capacity *= 2;
    const stats = new Float64Array(alignedBuffer(this.#capacity * 32));
    stats.set(this.#stats);
    this.#stats = stats;
    const segment = new Uint32Array(this.#capacity);
    segment.set(this.#segment);
    this.#segment = segment;
    const error = new Float64Array(this.#capacity);
    error.set(this.#error);
    this.#error = error;
    const bits = new Uint32Array(this.#capacity * 2);
    bits.set(this.#consumerBits);
    this.#consumerBits = bits;
  }

  #growIndex(id: number): void {
    const longer = new Int32Array(Math.max(id + 1, this.#slotOf.length * 2)).fill(-1);
    longer.set(this.#slotOf);
    this.#slotOf = longer;
  }
}
