/** What follows what, and what accompanies what: the dependency graph. */

import { assert } from '../../engine/assert.ts';
import { exp2 } from '../../engine/exp2.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { TopK } from '../aggregator/top-k.ts';
import { TimeAxis } from '../time-axis.ts';
import { BurstSampling } from './burst-sampling.ts';
import { ConsumerContexts } from './consumer-contexts.ts';
import { EdgeTable, lagBuckets } from './edge-table.ts';
import { type GraphBuilderConfig, graphBuilderConfigSchema } from './graph-builder-config.ts';
import { RecentAccesses } from './recent-accesses.ts';

/** One directed edge, decayed to an instant. */
export interface Dependency {
  readonly source: number;
  readonly target: number;
  /** Sampled occurrences of the source that the target followed, decayed; never above the truth. */
  readonly support: number;
  /** support over occurrences of the source, at most 1. */
  readonly confidence: number;
  /** confidence over what chance would give: lookahead x the target's share of all accesses, at most 1. */
  readonly lift: number;
  /** Mean lag, in ms or accesses. */
  readonly lagMean: number;
  /** Share of lags in each of the eight buckets (see edge-table.ts); empty for co-access. */
  readonly lagShare: Float64Array;
}

/** A segment reached by following dependencies. */
export interface Expansion {
  readonly segment: number;
  /** Product of confidences along the most probable path of at most `depthMax` steps. */
  readonly probability: number;
  /** Steps of that path. */
  readonly depth: number;
  /** Sum of mean lags along that path. */
  readonly lagMean: number;
  /** Seed that the path starts from. */
  readonly seed: number;
  /** For a path of one step the edge, for `lagShareWithin`; else -1. */
  readonly edge: number;
}

export interface ExpandOptions {
  readonly depthMax: number;
  readonly fanOutMax: number;
  readonly probabilityMin: number;
}

/** Half-lives after which the scale moves: lag sums are single floats and must stay below 2^127. */
const rebaseAt = 64;
/** Slots looked at for a source to replace. */
const victimSample = 8;

/**
 * For each access of `target` by a consumer, walks back over the consumer's last `lookahead` accesses and credits each of
 * them, until it meets `target` itself (whatever lies before was credited then). So each occurrence of a source counts a
 * target at most once, and confidence is a probability. That is the dependency graph of Padmanabhan and Mogul (CCR 1996)
 * with lags, decay and a bound on the degree. Rows count once whatever their weight: a counted row says nothing of order.
 *
 * Co-access: accesses of one consumer within `coAccessWindowMs` form a set; each pair counts once in both directions. Pairs
 * further apart than `lookahead` accesses are missed.
 *
 * Where accesses come fast only bursts of them are sources (see burst-sampling.ts). A source's successors are followed beyond
 * the end of its burst until all have come, so confidence, lift and lags are those of a sample without bias; supports and
 * occurrences count what was sampled. A co-access set that the start of a burst cuts is counted from there.
 * O(lookahead x degreeMax) per sampled access, a look-up or less per other one. Memory: about 48 x degreeMax + 12 bytes a source, and as many again / 4 for co-access.
 */
export class DependencyGraph {
  readonly config: GraphBuilderConfig;
  readonly axis = new TimeAxis();
  readonly contexts: ConsumerContexts;
  /** The latest accesses, sampled or not. */
  readonly recent: RecentAccesses;
  readonly #sampling: BurstSampling;
  readonly #follows: EdgeTable;
  readonly #accompanies: EdgeTable;
  #slotOf = new Int32Array(1024).fill(-1);
  #segment: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  #occurrences: Float64Array<ArrayBuffer> = new Float64Array(0);
  #capacity = 0;
  #count = 0;
  #hand = 0;
  #total = 0;
  #landmark = Number.NaN;
  readonly #sorted: Int32Array;
  #accessCount = 0;
  #sampledCount = 0;
  #sourceReplacedCount = 0;

  constructor(config: GraphBuilderConfig = graphBuilderConfigSchema.parse({})) {
    this.config = config;
    this.contexts = new ConsumerContexts(config.lookahead, config.contextsMax);
    this.recent = new RecentAccesses(config.seedsMax);
    this.#sampling = new BurstSampling(config);
    this.#follows = new EdgeTable(config.degreeMax, true);
    this.#accompanies = new EdgeTable(config.degreeMax, false);
    this.#sorted = new Int32Array(config.degreeMax);
  }

  get accessCount(): number {
    return this.#accessCount;
  }

  get sourceCount(): number {
    return this.#count;
  }

  /** What the bounds cost so far. */
  get limits(): { sourceReplaced: number; edgeReplaced: number; edgeWorn: number; contextForgotten: number } {
    return {
      sourceReplaced: this.#sourceReplacedCount,
      edgeReplaced: this.#follows.replacedCount + this.#accompanies.replacedCount,
      edgeWorn: this.#follows.wornCount + this.#accompanies.wornCount,
      contextForgotten: this.contexts.forgottenCount,
    };
  }

  /** Everything but what the settings give: #sorted. */
  persist(fields: StateFields): void {
    fields.section('dependency-graph');
    this.axis.persist(fields);
    this.contexts.persist(fields);
    this.recent.persist(fields);
    this.#sampling.persist(fields);
    this.#follows.persist(fields);
    this.#accompanies.persist(fields);
    this.#slotOf = fields.array(this.#slotOf);
    this.#segment = fields.array(this.#segment);
    this.#occurrences = fields.array(this.#occurrences);
    this.#capacity = fields.number(this.#capacity);
    this.#count = fields.number(this.#count);
    this.#hand = fields.number(this.#hand);
    this.#total = fields.number(this.#total);
    this.#landmark = fields.number(this.#landmark);
    this.#accessCount = fields.number(this.#accessCount);
    this.#sampledCount = fields.number(this.#sampledCount);
    this.#sourceReplacedCount = fields.number(this.#sourceReplacedCount);
  }

  get #halfLife(): number {
    return this.axis.usesTime === false ? this.config.halfLifeAccesses : this.config.halfLifeMs;
  }

  get #lagUnit(): number {
    return this.axis.usesTime === false ? this.config.lagUnitAccesses : this.config.lagUnitMs;
  }

  /** Accesses that counted as sources; all of them unless they were sampled. */
  get sampledCount(): number {
    return this.#sampledCount;
  }

  observe(batch: AccessBatch): void {
    for (let from = 0; from < batch.length; ) {
      const run = this.#sampling.next(this.axis, batch, from);
      if (run.isSampled) this.#learn(batch, from, run.to);
      else this.#follow(batch, from, run.to);
      from = run.to;
    }
    this.recent.observe(batch, this.axis);
    this.#accessCount += batch.length;
  }

  /** Edges out of `source`, most confident first, ties by the smaller target. */
  successorsOf(source: number): readonly Dependency[] {
    return this.#edgesOf(source, this.#follows);
  }

  /** Edges into `target`, the best supported first, ties by the smaller source, at most `k`. Looks at every edge: O(sources x degreeMax). */
  predecessorsOf(target: number, k: number): readonly Dependency[] {
    const table = this.#follows;
    const found: Dependency[] = [];
    for (let slot = 0; slot < this.#count; slot++) {
      const base = slot * this.config.degreeMax;
      for (let edge = base; edge < base + table.degree(slot); edge++) {
        if (table.target[edge] === target && table.weight[edge]! > 0) found.push(this.#dependency(slot, edge, table));
      }
    }
    return found.sort((a, b) => b.support - a.support || a.source - b.source).slice(0, k);
  }

  /** Segments accessed in one set with `source`, most confident first. */
  companionsOf(source: number): readonly Dependency[] {
    return this.#edgesOf(source, this.#accompanies);
  }

  /** Decayed sampled occurrences of `segment` at the latest instant; 0 where it is not held. */
  occurrencesOf(segment: number): number {
    const slot = this.#find(segment);
    return slot < 0 ? 0 : this.#occurrences[slot]! * this.#scale();
  }

  /** The `k` edges of the largest support x confidence with a support of at least `supportMin`, for the report. */
  strongestEdges(k: number, supportMin = 2): readonly Dependency[] {
    const scale = this.#scale();
    const top = new TopK(Math.min(k, this.#count * this.config.degreeMax));
    for (let slot = 0; slot < this.#count; slot++) {
      const occurrences = this.#occurrences[slot]!;
      const base = slot * this.config.degreeMax;
      for (let edge = base; edge < base + this.#follows.degree(slot); edge++) {
        const weight = this.#follows.weight[edge]!;
        if (weight * scale >= supportMin && occurrences > 0) top.offer(edge, weight * (weight / occurrences));
      }
    }
    return Array.from(top.takeIds(), (edge) => {
      const slot = Math.floor(edge / this.config.degreeMax);
      return this.#dependency(slot, edge, this.#follows);
    });
  }

  /**
   * Follows dependencies from `seeds`, keeping for each segment the most probable path. Steps are taken breadth first and a
   * segment is expanded again only if its probability grew, so cycles end. Seeds are not among the results.
   * Sorted by falling probability, ties by the smaller id. O(seeds x fanOutMax^depthMax) at worst.
   */
  expandDependencies(seeds: readonly number[], options: ExpandOptions): readonly Expansion[] {
    assert(options.depthMax >= 1 && options.fanOutMax >= 1, 'depth and fan-out are positive');
    const best = new Map<number, Expansion>();
    for (const seed of seeds) best.set(seed, { segment: seed, probability: 1, depth: 0, lagMean: 0, seed, edge: -1 });
    let frontier = [...best.values()];
    for (let depth = 1; depth <= options.depthMax && frontier.length > 0; depth++) {
      const grown = new Map<number, Expansion>();
      for (const from of frontier) {
        const slot = this.#find(from.segment);
        if (slot < 0 || !(this.#occurrences[slot]! > 0)) continue;
        const count = this.#sortEdges(slot);
        for (let i = 0; i < count && i < options.fanOutMax; i++) {
          const edge = this.#sorted[i]!;
          const confidence = Math.min(1, this.#follows.weight[edge]! / this.#occurrences[slot]!);
          const probability = from.probability * confidence;
          if (probability < options.probabilityMin || probability === 0) break;
          const segment = this.#follows.target[edge]!;
          const known = grown.get(segment) ?? best.get(segment);
          if (known !== undefined && known.probability >= probability) continue;
          const lagMean = from.lagMean + this.#follows.lagMean(edge);
          grown.set(segment, { segment, probability, depth, lagMean, seed: from.seed, edge: depth === 1 ? edge : -1 });
        }
      }
      for (const [segment, expansion] of grown) best.set(segment, expansion);
      frontier = [...grown.values()];
    }
    return [...best.values()]
      .filter((expansion) => expansion.depth > 0)
      .sort((a, b) => b.probability - a.probability || a.segment - b.segment);
  }

  /** P(lag <= `elapsed`) of an expansion's edge, linear within a bucket; the last bucket counts as one of its pattern's width. */
  lagShareWithin(edge: number, elapsed: number): number {
    const { lagWeight } = this.#follows;
    const total = this.#follows.lagTotal(edge);
    if (!(total > 0)) return 0;
    let weight = 0;
    let low = 0;
    let high = this.#lagUnit;
    for (let b = 0; b < lagBuckets; b++) {
      const own = lagWeight[edge * lagBuckets + b]!;
      if (elapsed < high) {
        weight += own * Math.max(0, (elapsed - low) / (high - low));
        break;
      }
      weight += own;
      low = high;
      high *= 4;
    }
    return weight / total;
  }

  /** Writes the edges of `slot` to `#sorted`, heaviest first, ties by the smaller target; returns how many. */
  #sortEdges(slot: number): number {
    const { target, weight } = this.#follows;
    const sorted = this.#sorted;
    const count = this.#follows.degree(slot);
    const base = slot * this.config.degreeMax;
    for (let i = 0; i < count; i++) {
      const edge = base + i;
      let at = i;
      for (; at > 0; at--) {
        const other = sorted[at - 1]!;
        const isAfter =
          weight[other]! > weight[edge]! || (weight[other] === weight[edge] && target[other]! < target[edge]!);
        if (isAfter) break;
        sorted[at] = other;
      }
      sorted[at] = edge;
    }
    return count;
  }

  /** Accesses of a burst: each is a source, and a successor of those before it. */
  #learn(batch: AccessBatch, from: number, to: number): void {
    const { contexts } = this;
    let at = Number.NaN;
    let factor = 0;
    for (let i = from; i < to; i++) {
      const instant = this.axis.instantOf(batch.timeMs[i]!, batch.position + i);
      if (instant !== at) {
        at = instant;
        factor = this.#factorAt(instant);
      }
      const segment = batch.segment[i]!;
      const own = this.#slotFor(segment);
      this.#occurrences[own]! += factor;
      this.#total += factor;
      const context = contexts.touch(batch.consumer[i]!);
      this.#credit(context, segment, own, instant, factor);
      contexts.push(context, segment, instant, true);
    }
    this.#sampledCount += to - from;
  }

  /** Accesses between bursts: only successors of the sources that wait for theirs. */
  #follow(batch: AccessBatch, from: number, to: number): void {
    const { contexts } = this;
    for (let i = from; i < to; i++) {
      if (contexts.openCount === 0) {
        this.axis.advance(batch, i, to);
        return;
      }
      const instant = this.axis.instantOf(batch.timeMs[i]!, batch.position + i);
      const context = contexts.findOpen(batch.consumer[i]!);
      if (context < 0) continue;
      const segment = batch.segment[i]!;
      this.#credit(context, segment, -1, instant, this.#factorAt(instant));
      contexts.push(context, segment, instant, false);
    }
  }

  /** Counts an access as successor of the sources in `context`; `own` is its slot where it is a source itself, else -1. */
  #credit(context: number, segment: number, own: number, instant: number, factor: number): void {
    const { contexts } = this;
    const follows = this.#follows;
    const filled = contexts.filled(context);
    const usesTime = this.axis.usesTime !== false;
    const lagMax = usesTime ? this.config.lagMaxMs : Infinity;
    const setWindow = usesTime ? this.config.coAccessWindowMs : -1;
    const unit = this.#lagUnit;
    const segments = contexts.segment;
    const instants = contexts.instant;
    const isSource = contexts.isSource;
    const slotOf = this.#slotOf;
    const first = contexts.entry(context, 0);
    const isInSet = filled > 0 && instant - instants[first]! <= setWindow;
    // A member that recurs in its set was paired with all others before.
    const pairs = isInSet && !this.#isHeldSince(context, filled, segment, instant - setWindow);
    for (let back = 0; back < filled; back++) {
      const source = segments[first + back]!;
      const lag = instant - instants[first + back]!;
      if (source === segment || lag > lagMax) break;
      const slot = isSource[first + back] === 1 ? slotOf[source]! : -1;
      let bucket = 0;
      // Without a slot it went to another source meanwhile: the occurrence is no longer counted either.
      if (slot >= 0) {
        for (let high = unit; lag >= high && bucket < lagBuckets - 1; high *= 4) bucket++;
        follows.add(slot, segment, factor, lag, bucket);
      }
      if (pairs && lag <= setWindow && !this.#isHeldSince(context, back, source, instant - setWindow)) {
        if (slot >= 0) this.#accompanies.add(slot, segment, factor, lag, bucket);
        if (own >= 0) this.#accompanies.add(own, source, factor, lag, bucket);
      }
    }
  }

  /** Whether `segment` is among the last `entries` accesses of `context`, not before `since`. */
  #isHeldSince(context: number, entries: number, segment: number, since: number): boolean {
    const { contexts } = this;
    for (let back = 0; back < entries; back++) {
      const entry = contexts.entry(context, back);
      if (contexts.instant[entry]! < since) return false;
      if (contexts.segment[entry] === segment) return true;
    }
    return false;
  }

  #edgesOf(source: number, table: EdgeTable): readonly Dependency[] {
    const slot = this.#find(source);
    if (slot < 0) return [];
    const base = slot * this.config.degreeMax;
    return Array.from({ length: table.degree(slot) }, (_, i) => this.#dependency(slot, base + i, table)).sort(
      (a, b) => b.confidence - a.confidence || a.target - b.target,
    );
  }

  #dependency(slot: number, edge: number, table: EdgeTable): Dependency {
    const scale = this.#scale();
    const weight = table.weight[edge]!;
    const occurrences = this.#occurrences[slot]!;
    const target = table.target[edge]!;
    const targetSlot = this.#find(target);
    // One access of a target follows at most `lookahead` sources, which bounds a target that is no longer held from below.
    const targetOccurrences = targetSlot < 0 ? weight / this.config.lookahead : this.#occurrences[targetSlot]!;
    const confidence = occurrences > 0 ? Math.min(1, weight / occurrences) : 0;
    const chance = Math.min(1, (this.config.lookahead * targetOccurrences) / this.#total);
    const lagTotal = table === this.#follows ? table.lagTotal(edge) : 0;
    return {
      source: this.#segment[slot]!,
      target,
      support: weight * scale,
      confidence,
      lift: chance > 0 ? confidence / chance : 0,
      lagMean: lagTotal > 0 ? table.lagMean(edge) : 0,
      lagShare: Float64Array.from({ length: table === this.#follows ? lagBuckets : 0 }, (_, b) =>
        lagTotal > 0 ? table.lagWeight[edge * lagBuckets + b]! / lagTotal : 0,
      ),
    };
  }

  #find(segment: number): number {
    return segment < this.#slotOf.length ? this.#slotOf[segment]! : -1;
  }

  #slotFor(segment: number): number {
    if (segment >= this.#slotOf.length) {
      const longer = new Int32Array(Math.max(segment + 1, this.#slotOf.length * 2)).fill(-1);
      longer.set(this.#slotOf);
      this.#slotOf = longer;
    }
    let slot = this.#slotOf[segment]!;
    if (slot >= 0) return slot;
    if (this.#count < this.config.sourcesMax) {
      if (this.#count === this.#capacity) this.#grow();
      slot = this.#count++;
    } else {
      slot = this.#victim();
      this.#slotOf[this.#segment[slot]!] = -1;
      this.#sourceReplacedCount++;
    }
    this.#slotOf[segment] = slot;
    this.#segment[slot] = segment;
    this.#occurrences[slot] = 0;
    this.#follows.clear(slot);
    this.#accompanies.clear(slot);
    return slot;
  }

  /** The least used of the next few slots under a moving hand: O(1), and never one of the most used. */
  #victim(): number {
    let victim = this.#hand;
    for (let i = 0; i < Math.min(victimSample, this.#count); i++) {
      const slot = this.#hand;
      this.#hand = slot + 1 === this.#count ? 0 : slot + 1;
      if (this.#occurrences[slot]! < this.#occurrences[victim]!) victim = slot;
    }
    return victim;
  }

  #grow(): void {
    this.#capacity = Math.min(this.config.sourcesMax, Math.max(1024, this.#capacity * 2));
    const segment = new Uint32Array(this.#capacity);
    segment.set(this.#segment);
    this.#segment = segment;
    const occurrences = new Float64Array(this.#capacity);
    occurrences.set(this.#occurrences);
    this.#occurrences = occurrences;
    this.#follows.reserve(this.#capacity);
    this.#accompanies.reserve(this.#capacity);
  }

  /** Turns a forward-decayed weight into one as of the latest instant. */
  #scale(): number {
    return this.#accessCount === 0 && this.#count === 0
      ? 1
      : exp2((this.#landmark - this.axis.latest) / this.#halfLife);
  }

  #factorAt(instant: number): number {
    if (Number.isNaN(this.#landmark)) this.#landmark = instant;
    const halfLives = (instant - this.#landmark) / this.#halfLife;
    if (halfLives > rebaseAt) {
      const whole = Math.floor(halfLives);
      const scale = exp2(-whole);
      this.#follows.rescale(scale);
      this.#accompanies.rescale(scale);
      for (let slot = 0; slot < this.#count; slot++) this.#occurrences[slot]! *= scale;
      this.#total *= scale;
      this.#landmark += whole * this.#halfLife;
      return exp2((instant - this.#landmark) / this.#halfLife);
    }
    return exp2(halfLives);
  }
}
