/** Which segments are due at this hour of the day and of the week, cold or not. */

import { assert } from '../../engine/assert.ts';
import { exp2 } from '../../engine/exp2.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { hourMs } from '../aggregator/hour-of-week.ts';
import { persistLearner } from '../near-loop/snapshot.ts';
import { TimeAxis } from '../time-axis.ts';
import { type ClockHour, clockHourAt, type TimeZone, zoneNamed } from '../time-zone.ts';
import { type DemandForecast, DemandForecaster } from './demand-forecaster.ts';
import { HourlyPresence } from './hourly-presence.ts';
import { SeasonalDesign, seasonalWidthMax } from './seasonal-design.ts';
import { type SeasonalPredictorConfig, seasonalPredictorConfigSchema } from './seasonal-predictor-config.ts';

/** Total demand that is forecast for one hour of the local clock. */
export interface HourlyDemand extends DemandForecast {
  readonly fromMs: number;
  /** Exclusive; an hour after `fromMs` but where the clock is changed. */
  readonly toMs: number;
}

/** How well each way of forecasting one hour ahead did of late: mean squared errors of P(accessed in the hour). */
export interface SeasonalRecord {
  readonly seasonal: number;
  /** P(accessed | accessed in the hour before or not), learnt for the segment. */
  readonly persistence: number;
  /** The segment's share of hours with an access. */
  readonly level: number;
  readonly evaluatedHours: number;
  readonly evaluatedHits: number;
}

/** Columns of the per-slot record, all decayed by `errorHalfLifeHours`. */
const record = { seasonal: 0, persistence: 1, level: 2, hours: 3, n0: 4, hit0: 5, n1: 6, hit1: 7, width: 8 };

/**
 * For each of a bounded set of segments a ridge regression of "accessed in this hour" on level, trend, hour of the day and
 * hour of the week (see seasonal-design.ts), shrunk towards the profile of all segments pooled. What will be used, not how
 * often, is what staging needs to know.
 *
 * Every closed hour is first forecast by the last fit and by two rivals that any season must beat: persistence and the
 * level. A segment is proposed only while its seasonal error stays below both by a margin, so on noise, bursts and drift
 * the model is silent. It is silent without time, in the first day, and for a weekly pattern until it was right twice.
 * O(1) per access; O(fitted segments) per hour; a fit, every `refitHours`, is a few thousand multiplications a segment.
 * Memory: about historyHours + 1,600 bytes a segment.
 */
export class SeasonalModel {
  readonly config: SeasonalPredictorConfig;
  readonly axis = new TimeAxis();
  readonly presence: HourlyPresence;
  #demand: DemandForecaster;
  readonly #zone: TimeZone;
  readonly #coefficients: Float64Array;
  readonly #isFitted: Uint8Array;
  readonly #record: Float64Array;
  /** Accessed hours that a slot was judged on, not decayed. */
  readonly #evaluatedHits: Int32Array;
  readonly #keep: number;
  #design: SeasonalDesign | null = null;
  /** The open hour, as a number and as a stretch of time; the two differ only while the clock repeats an hour. */
  #hour = Number.NaN;
  #stretch: ClockHour = { number: Number.NaN, fromMs: -Infinity, toMs: -Infinity };
  /** Weight of accesses in the open stretch. */
  #openWeight = 0;
  #firstHour = Number.NaN;
  #fittedAt = -Infinity;
  #fitCount = 0;
  #accessCount = 0;
  #fittedAccessCount = 0;
  /** Slots that the model speaks of in the open hour; null until someone asks. */
  #speaking: number[] | null = null;

  constructor(
    config: SeasonalPredictorConfig = seasonalPredictorConfigSchema.parse({}),
    zone: TimeZone = zoneNamed(config.timeZone),
  ) {
    this.config = config;
    this.presence = new HourlyPresence(config.segmentsMax, config.historyHours);
    this.#demand = this.#makeDemand();
    this.#zone = zone;
    this.#coefficients = new Float64Array(config.segmentsMax * seasonalWidthMax);
    this.#isFitted = new Uint8Array(config.segmentsMax);
    this.#record = new Float64Array(config.segmentsMax * record.width);
    this.#evaluatedHits = new Int32Array(config.segmentsMax);
    this.#keep = exp2(-1 / config.errorHalfLifeHours);
  }

  /** Forecasts of the weight of all accesses by hour. */
  get demand(): DemandForecaster {
    return this.#demand;
  }

  /** Segments with a fit. */
  get fittedCount(): number {
    return this.#isFitted.reduce((sum, isFitted) => sum + isFitted, 0);
  }

  /** Fits so far. */
  get fitCount(): number {
    return this.#fitCount;
  }

  observe(batch: AccessBatch): void {
    for (let i = 0; i < batch.length; i++) {
      const instant = this.axis.instantOf(batch.timeMs[i]!, batch.position + i);
      if (this.axis.usesTime === false) {
        this.axis.advance(batch, i, batch.length);
        return;
      }
      if (instant >= this.#stretch.toMs) this.#advance(instant);
      this.presence.mark(batch.segment[i]!, this.#hour);
      this.#openWeight += batch.weight[i]!;
      this.#accessCount++;
    }
  }

  /** The record of `segment`; null where it was not judged yet. */
  recordOf(segment: number): SeasonalRecord | null {
    const slot = this.presence.slotOf(segment);
    if (slot < 0) return null;
    const r = slot * record.width;
    const hours = this.#record[r + record.hours]!;
    if (hours === 0) return null;
    return {
      seasonal: this.#record[r + record.seasonal]! / hours,
      persistence: this.#record[r + record.persistence]! / hours,
      level: this.#record[r + record.level]! / hours,
      evaluatedHours: hours,
      evaluatedHits: this.#evaluatedHits[slot]!,
    };
  }

  /** Whether the seasonal forecast of `segment` has earned a hearing. */
  speaksOf(segment: number): boolean {
    const slot = this.presence.slotOf(segment);
    return slot >= 0 && this.#speaks(slot);
  }

  /** P(accessed in the hour that holds `timeMs`) by the fit alone; null where there is none. */
  profileAt(segment: number, timeMs: number): number | null {
    const slot = this.presence.slotOf(segment);
    return slot < 0 || this.#isFitted[slot] === 0 ? null : this.#predict(slot, clockHourAt(this.#zone, timeMs).number);
  }

  /**
   * Calls back for each segment that the model speaks of with P(accessed in [timeMs, timeMs + horizonMs)), where that is at
   * least `probabilityMin`. The clock goes on to `timeMs` first, so hours without accesses count.
   */
  forecast(timeMs: number, horizonMs: number, visit: (segment: number, probability: number) => void): void {
    assert(horizonMs > 0, `a horizon is positive, not ${horizonMs}`);
    if (this.speakingCount(timeMs) === 0) return;
    const now = this.axis.instantAt(timeMs, 0);
    const hours = this.#hoursWithin(now, now + horizonMs);
    for (const slot of this.#speaking!) {
      const probability = this.#probabilityWithin(slot, hours);
      if (probability >= this.config.probabilityMin) visit(this.presence.segmentAt(slot), probability);
    }
  }

  /**
   * Total weight of accesses in each of the next `hours` hours of the local clock, the first of which is the open one; what it has seen of that is not
   * counted in. The clock goes on to `timeMs` first. No rows on a trace without time.
   */
  forecastDemand(timeMs: number, hours: number): readonly HourlyDemand[] {
    if (this.axis.usesTime !== true) return [];
    const now = this.axis.instantAt(timeMs, 0);
    if (now >= this.#stretch.toMs) this.#advance(now);
    const ahead = [this.#stretch];
    while (ahead.length < hours) ahead.push(clockHourAt(this.#zone, ahead.at(-1)!.toMs));
    const forecasts = this.#demand.forecastAhead(ahead.map(({ number }) => number));
    return ahead.map(({ fromMs, toMs }, i) => {
      const { weight, by } = forecasts[i]!;
      return { fromMs, toMs, weight: weight * ((toMs - fromMs) / hourMs), by };
    });
  }

  /** Segments that the model speaks of at `timeMs`; the clock goes on to it. O(1) but for the first call in an hour. */
  speakingCount(timeMs: number): number {
    if (this.axis.usesTime !== true) return 0;
    const now = this.axis.instantAt(timeMs, 0);
    if (now >= this.#stretch.toMs) this.#advance(now);
    if (this.#design === null) return 0;
    if (this.#speaking === null) {
      this.#speaking = [];
      for (let slot = 0; slot < this.presence.slotCount; slot++) if (this.#speaks(slot)) this.#speaking.push(slot);
    }
    return this.#speaking.length;
  }

  /** Everything but what the settings give: #zone, #keep. */
  persist(fields: StateFields): void {
    fields.section('seasonal');
    this.axis.persist(fields);
    this.presence.persist(fields);
    persistLearner(fields, this.#demand);
    fields.into(this.#coefficients);
    fields.into(this.#isFitted);
    fields.into(this.#record);
    fields.into(this.#evaluatedHits);
    const design = fields.plain(this.#design === null ? null : { ...this.#design.options });
    if (fields.isRestoring) this.#design = design === null ? null : new SeasonalDesign(design);
    this.#hour = fields.number(this.#hour);
    this.#stretch = fields.plain(this.#stretch);
    this.#openWeight = fields.number(this.#openWeight);
    this.#firstHour = fields.number(this.#firstHour);
    this.#fittedAt = fields.number(this.#fittedAt);
    this.#fitCount = fields.number(this.#fitCount);
    this.#accessCount = fields.number(this.#accessCount);
    this.#fittedAccessCount = fields.number(this.#fittedAccessCount);
    this.#speaking = fields.plain(this.#speaking);
  }

  /** Hours of the clock that [fromMs, toMs) touches, with the share of an hour that it covers of each. */
  #hoursWithin(fromMs: number, toMs: number): readonly (readonly [hour: number, share: number])[] {
    const hours: [number, number][] = [];
    for (let at = fromMs; at < toMs; ) {
      const stretch = clockHourAt(this.#zone, at);
      const end = Math.min(toMs, stretch.toMs);
      hours.push([stretch.number, (end - at) / hourMs]);
      at = end;
    }
    return hours;
  }

  /** Within an hour accesses are taken to fall evenly; hours are taken to be independent. */
  #probabilityWithin(slot: number, hours: readonly (readonly [hour: number, share: number])[]): number {
    let none = 1;
    for (const [hour, share] of hours) none *= 1 - this.#predict(slot, hour) * share;
    return 1 - none;
  }

  #speaks(slot: number): boolean {
    if (this.#isFitted[slot] === 0) return false;
    const r = slot * record.width;
    if (this.#evaluatedHits[slot]! < this.config.evaluatedHitsMin) return false;
    const rival = Math.min(this.#record[r + record.persistence]!, this.#record[r + record.level]!);
    return this.#record[r + record.seasonal]! < rival * (1 - this.config.marginMin);
  }

  #predict(slot: number, hour: number): number {
    const value = this.#design!.predict(this.#coefficients, slot * seasonalWidthMax, hour);
    return value < 0 ? 0 : Math.min(1, value);
  }

  #advance(instant: number): void {
    if (Number.isNaN(this.#hour)) {
      this.#stretch = clockHourAt(this.#zone, instant);
      this.#hour = this.#stretch.number;
      this.#firstHour = this.#hour;
    } else if (instant - this.#stretch.toMs > this.config.historyHours * hourMs) {
      this.#stretch = clockHourAt(this.#zone, instant);
      this.#openWeight = 0;
      this.#reset(this.#stretch.number);
      this.#hour = this.#stretch.number;
    } else {
      while (instant >= this.#stretch.toMs) {
        const { number, fromMs, toMs } = this.#stretch;
        // A stretch that a change of the clock cut short stands for a whole hour.
        this.#demand.learn(number, this.#openWeight * (hourMs / (toMs - fromMs)));
        this.#openWeight = 0;
        this.#stretch = clockHourAt(this.#zone, toMs);
        this.#goTo(this.#stretch.number);
      }
    }
    this.#speaking = null;
  }

  /** Goes on to an hour. One that the clock repeats stays open; those that it skips are opened but never judged. */
  #goTo(next: number): void {
    if (next <= this.#hour) return;
    this.#closeHour();
    while (this.#hour < next) this.presence.open(++this.#hour);
    if (this.#isFitDue()) this.#fit();
  }

  /** The first fit as soon as there is evidence, later ones when hours enough and evidence enough have come. */
  #isFitDue(): boolean {
    const { refitHours, refitAccessesMin, historyHours } = this.config;
    const since = this.#hour - this.#fittedAt;
    if (since < refitHours) return false;
    // With few accesses a fit finds little new, until an eighth of what it looks back on is.
    const seen = Math.min(historyHours, this.#hour - this.#firstHour);
    return this.#accessCount - this.#fittedAccessCount >= refitAccessesMin || since * 8 >= seen;
  }

  /** After a gap longer than the history nothing is known. */
  #reset(hour: number): void {
    this.presence.clear();
    this.#demand = this.#makeDemand();
    this.#isFitted.fill(0);
    this.#record.fill(0);
    this.#evaluatedHits.fill(0);
    this.#design = null;
    this.#firstHour = hour;
    this.#fittedAt = -Infinity;
  }

  #makeDemand(): DemandForecaster {
    const { demandRate, demandShareRate } = this.config;
    return new DemandForecaster({ rate: demandRate, shareRate: demandShareRate });
  }

  /** Judges the hour that ends, before it becomes part of any fit. */
  #closeHour(): void {
    const hour = this.#hour;
    const keep = this.#keep;
    for (let slot = 0; slot < this.presence.slotCount; slot++) {
      if (this.#isFitted[slot] === 0) continue;
      const r = slot * record.width;
      const table = this.#record;
      const truth = this.presence.isPresent(slot, hour) ? 1 : 0;
      const before = this.presence.isPresent(slot, hour - 1) ? 1 : 0;
      const n0 = table[r + record.n0]!;
      const n1 = table[r + record.n1]!;
      const hit0 = table[r + record.hit0]!;
      const hit1 = table[r + record.hit1]!;
      // Both rivals learn as they go, from one assumed hour of even odds.
      const level = (hit0 + hit1 + 0.5) / (n0 + n1 + 1);
      const persistence = before === 1 ? (hit1 + level) / (n1 + 1) : (hit0 + level) / (n0 + 1);
      const seasonal = this.#predict(slot, hour);
      for (let column = 0; column < record.width; column++) table[r + column]! *= keep;
      table[r + record.seasonal]! += (seasonal - truth) * (seasonal - truth);
      table[r + record.persistence]! += (persistence - truth) * (persistence - truth);
      table[r + record.level]! += (level - truth) * (level - truth);
      table[r + record.hours]!++;
      this.#evaluatedHits[slot]! += truth;
      table[r + (before === 1 ? record.n1 : record.n0)]!++;
      table[r + (before === 1 ? record.hit1 : record.hit0)]! += truth;
    }
  }

  #fit(): void {
    const { config, presence } = this;
    const end = this.#hour;
    // The open hour's row has displaced the oldest: one hour less than the ring holds.
    const start = Math.max(this.#firstHour, end - config.historyHours + 1);
    const hours = end - start;
    if (hours < config.evidenceHoursMin) return;
    this.#fittedAt = end;
    this.#fittedAccessCount = this.#accessCount;
    this.#fitCount++;
    presence.makeRoom((slot) => {
      this.#isFitted[slot] = 0;
      this.#evaluatedHits[slot] = 0;
      this.#record.fill(0, slot * record.width, (slot + 1) * record.width);
    });
    const design = new SeasonalDesign({
      start,
      end,
      hasWeek: hours >= config.weeklyHoursMin,
      shrinkage: config.shrinkage,
      trendShrinkage: config.trendShrinkage,
    });
    this.#design = design;
    // Present hours of each slot that has enough of them, slot by slot; the open hour is not among those fitted.
    const first = new Int32Array(presence.slotCount + 1);
    let chosenCount = 0;
    for (let slot = 0; slot < presence.slotCount; slot++) {
      const isChosen = presence.presentHours(slot) >= config.presentHoursMin;
      this.#isFitted[slot] = isChosen ? 1 : 0;
      if (isChosen) chosenCount++;
      first[slot + 1] = first[slot]! + (isChosen ? presence.presentHours(slot) : 0);
    }
    if (chosenCount === 0) return;
    const present = new Float64Array(first[presence.slotCount]!);
    const filled = first.slice();
    const pooledAt = new Float64Array(hours);
    presence.forEachPresence((slot, hour) => {
      if (this.#isFitted[slot] === 0 || hour < start || hour >= end) return;
      present[filled[slot]!++] = hour;
      pooledAt[hour - start]! += 1 / chosenCount;
    });
    const pooled = new Float64Array(design.width);
    design.fit(pooledAt, pooled, 0);
    let pooledTotal = 0;
    for (let i = 0; i < hours; i++) {
      pooledAt[i] = design.predict(pooled, 0, start + i);
      pooledTotal += pooledAt[i]!;
    }
    // A segment's own fit is of what the pooled profile, brought to its level, leaves unexplained. Fits are linear, so the
    // pooled part is fitted once: own = fit(presence) + scale x (pooled - fit(pooled profile)).
    const shift = new Float64Array(design.width);
    design.fit(pooledAt, shift, 0);
    for (let i = 0; i < design.width; i++) shift[i] = pooled[i]! - shift[i]!;
    for (let slot = 0; slot < presence.slotCount; slot++) {
      if (this.#isFitted[slot] === 0) continue;
      const at = slot * seasonalWidthMax;
      design.fitPresence(present, first[slot]!, filled[slot]!, this.#coefficients, at);
      const scale = pooledTotal > 0 ? (filled[slot]! - first[slot]!) / pooledTotal : 0;
      for (let i = 0; i < design.width; i++) this.#coefficients[at + i]! += scale * shift[i]!;
    }
  }
}
