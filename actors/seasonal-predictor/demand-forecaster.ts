/** Total demand of the next hours, mixed from rival ways to forecast it by how each did of late. */

import { assert } from '../../engine/assert.ts';
import { exp2 } from '../../engine/exp2.ts';
import { hoursPerWeek } from '../aggregator/hour-of-week.ts';
import { type Snapshot, SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { DecayedRidge } from './decayed-ridge.ts';
import { DemandColumn, DemandHistory, demandColumnCount } from './demand-history.ts';
import { ExpertShares } from './expert-shares.ts';

/** Ways to forecast the next hour, in the order of their shares. */
export const demandExperts = [
  'persistence',
  'last-day',
  'last-week',
  'profile',
  'carried-profile',
  'regression',
  'regression-2-weeks',
  'regression-3-days',
  'median-regression',
  'median-regression-2-weeks',
] as const;
export type DemandExpert = (typeof demandExperts)[number];

/** Half-lives in hours of the regressions, in the order of their names; Infinity = never forgets. */
const regressions = [
  { halfLifeHours: Infinity, isRobust: false },
  { halfLifeHours: 336, isRobust: false },
  { halfLifeHours: 72, isRobust: false },
  { halfLifeHours: Infinity, isRobust: true },
  { halfLifeHours: 336, isRobust: true },
] as const;
const firstRegression = demandExperts.indexOf('regression');
/** Errors count half after two weeks. */
const errorKeep = exp2(-1 / (2 * hoursPerWeek));

/** A forecast of total demand and who argued for it. */
export interface DemandForecast {
  /** Expected weight of accesses in the hour. */
  readonly weight: number;
  /** The way of forecasting with the largest share. */
  readonly by: DemandExpert;
}

/** Mean absolute errors one hour ahead, decayed over weeks. */
export interface DemandErrors {
  /** Of what was forecast. */
  readonly mixed: number;
  /** Of "as in the last hour", which any forecast has to beat. */
  readonly persistence: number;
}

/**
 * Ten experts: the same as in the last hour, day or week; a decayed profile of the week, alone and with what of the last
 * hour's departure from it usually remains; and five regressions on all of these that forget at different speeds, towards
 * the mean and towards the median. Their shares follow their absolute errors (see expert-shares.ts), so where persistence is better it
 * leads, and a season counts as far as it pays; no setting is made for a trace.
 *
 * Predict, then learn: an hour is forecast before its weight is known. O(1) an hour (five systems of twelve equations). What it gets
 * wrong: several hours ahead it feeds on its own forecasts, under shares that were earned one hour ahead.
 */
export class DemandForecaster {
  readonly #history = new DemandHistory();
  readonly #regressions: readonly DecayedRidge[];
  readonly #shares: ExpertShares;
  readonly #row = new Float64Array(demandColumnCount);
  readonly #said = new Float64Array(demandExperts.length);
  /** Decayed sums: error of the mixture, of persistence, and hours; products of departures and their squares. */
  readonly #errors = new Float64Array(3);
  readonly #departure = new Float64Array(2);

  constructor(options: { readonly rate: number; readonly shareRate: number }) {
    const prior = new Float64Array(demandColumnCount);
    prior[DemandColumn.lastHour] = 1;
    this.#regressions = regressions.map(
      ({ halfLifeHours, isRobust }) => new DecayedRidge({ prior, keep: exp2(-1 / halfLifeHours), isRobust }),
    );
    this.#shares = new ExpertShares({ expertCount: demandExperts.length, ...options });
  }

  /** Hours learnt. */
  get hourCount(): number {
    return this.#history.hourCount;
  }

  /** What it looks back on; to be read only. */
  get history(): Pick<DemandHistory, 'latest' | 'weekProfile'> {
    return this.#history;
  }

  /** Null before an hour was judged. */
  get errors(): DemandErrors | null {
    const [mixed, persistence, hours] = this.#errors as unknown as readonly [number, number, number];
    return hours === 0 ? null : { mixed: mixed / hours, persistence: persistence / hours };
  }

  /** Share of each expert, by name; they add up to one. */
  get shares(): Readonly<Record<DemandExpert, number>> {
    const entries = demandExperts.map((name, e) => [name, this.#shares.share[e]!]);
    return Object.fromEntries(entries) as Record<DemandExpert, number>;
  }

  /** The hour `clockHour` (hours since 1970 on the local clock) held accesses of this weight. */
  learn(clockHour: number, weight: number): void {
    assert(weight >= 0, 'a demand is not negative');
    if (this.#history.hourCount > 0) this.#judge(clockHour, weight);
    this.#history.push(clockHour, weight);
  }

  /** Demand of the hour `clockHour`, the next after the latest learnt; 0 and persistence before any. */
  forecast(clockHour: number): DemandForecast {
    const by = demandExperts[this.#shares.leader]!;
    if (this.#history.hourCount === 0) return { weight: 0, by: 'persistence' };
    this.#ask(clockHour);
    return { weight: this.#shares.mix(this.#said), by };
  }

  /** Demand of each of the hours, which follow the latest learnt in their order. Costs a copy of the history. */
  forecastAhead(clockHours: readonly number[]): readonly DemandForecast[] {
    const past = this.#save(this.#history);
    const ahead = clockHours.map((clockHour) => {
      const forecast = this.forecast(clockHour);
      this.#history.push(clockHour, forecast.weight);
      return forecast;
    });
    this.#history.load(new SnapshotReader(past));
    return ahead;
  }

  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    this.save(writer);
    return writer.finish();
  }

  restore(snapshot: Snapshot): void {
    this.load(new SnapshotReader(snapshot));
  }

  save(writer: SnapshotWriter): void {
    for (const part of [this.#history, this.#shares, ...this.#regressions]) part.save(writer);
    writer.array(this.#errors);
    writer.array(this.#departure);
  }

  load(reader: SnapshotReader): void {
    for (const part of [this.#history, this.#shares, ...this.#regressions]) part.load(reader);
    reader.into(this.#errors);
    reader.into(this.#departure);
  }

  /** Fills what each expert says of the hour. */
  #ask(clockHour: number): void {
    const row = this.#row;
    const said = this.#said;
    this.#history.fill(clockHour, row);
    const departure = row[DemandColumn.lastHour]! - row[DemandColumn.profileBefore]!;
    const [products, squares] = this.#departure as unknown as readonly [number, number];
    const remaining = squares > 0 ? Math.min(1, Math.max(0, products / squares)) : 1;
    said[0] = row[DemandColumn.lastHour]!;
    said[1] = row[DemandColumn.lastDay]!;
    said[2] = row[DemandColumn.lastWeek]!;
    said[3] = row[DemandColumn.profile]!;
    said[4] = Math.max(0, row[DemandColumn.profile]! + remaining * departure);
    for (let r = 0; r < this.#regressions.length; r++) {
      said[firstRegression + r] = Math.max(0, this.#regressions[r]!.predict(row));
    }
  }

  #judge(clockHour: number, weight: number): void {
    this.#ask(clockHour);
    const row = this.#row;
    const errors = this.#errors;
    errors[0] = errors[0]! * errorKeep + Math.abs(this.#shares.mix(this.#said) - weight);
    errors[1] = errors[1]! * errorKeep + Math.abs(this.#said[0]! - weight);
    errors[2] = errors[2]! * errorKeep + 1;
    const scale = errors[1]! / errors[2]!;
    if (scale > 0) this.#shares.learn(this.#said, weight, scale);
    for (const regression of this.#regressions) regression.learn(row, weight);
    const departure = row[DemandColumn.lastHour]! - row[DemandColumn.profileBefore]!;
    const left = weight - row[DemandColumn.profile]!;
    this.#departure[0] = this.#departure[0]! * errorKeep + left * departure;
    this.#departure[1] = this.#departure[1]! * errorKeep + departure * departure;
  }

  #save(part: { save(writer: SnapshotWriter): void }): Snapshot {
    const writer = new SnapshotWriter();
    part.save(writer);
    return writer.finish();
  }
}
