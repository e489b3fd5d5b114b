/** What past hours say of the next: the last hours, the same hours of yesterday and of last week, and a profile of the week. */

import { exp2 } from '../../engine/exp2.ts';
import { hourOfWeekOf, hoursPerWeek } from '../aggregator/hour-of-week.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** Columns of a row, named by what they hold. */
export const DemandColumn = {
  lastHour: 0,
  twoHours: 1,
  threeHours: 2,
  lastDay: 3,
  lastDayBefore: 4,
  lastDayAfter: 5,
  lastWeek: 6,
  lastWeekBefore: 7,
  twoWeeks: 8,
  profile: 9,
  profileBefore: 10,
  level: 11,
} as const;
export const demandColumnCount = 12;

const weeksKept = 3;
/** Half-lives: of an hour of the week in its weeks, of an hour of the day in its days, of the level in hours. */
const weekKeep = exp2(-1 / 6);
const dayKeep = exp2(-1 / 42);
const levelKeep = exp2(-1 / hoursPerWeek);
/** Hours that the mean of all counts for in an hour of the day; that hour of the day counts for one in an hour of the week. */
const levelHours = 2;

/**
 * The last three weeks by the hour of the local clock, not by elapsed hours: "the same hour yesterday" is the same hour of the
 * clock across a change to or from daylight saving. An hour that the clock skips holds what it held a week before; of an hour that comes twice
 * the later counts. O(1) an hour; 4 KB and the profile.
 */
export class DemandHistory {
  readonly #counts = new Float64Array(hoursPerWeek * weeksKept);
  /** The last three hours as they came. */
  readonly #recent = new Float64Array(3);
  /** Decayed sums and counts: hours of the week, hours of the day, all. */
  readonly #weekSum = new Float64Array(hoursPerWeek);
  readonly #weekCount = new Float64Array(hoursPerWeek);
  readonly #daySum = new Float64Array(24);
  readonly #dayCount = new Float64Array(24);
  readonly #all = new Float64Array(2);
  #clockHour = Number.NaN;
  #firstClockHour = Number.NaN;
  #hourCount = 0;

  /** Hours learnt. */
  get hourCount(): number {
    return this.#hourCount;
  }

  /** Clock hour of the latest. */
  get clockHour(): number {
    return this.#clockHour;
  }

  get lastHour(): number {
    return this.#recent[0]!;
  }

  /** The latest `hours` clock hours learnt, the oldest first; fewer where fewer are known, three weeks at most. */
  latest(hours: number): readonly { readonly clockHour: number; readonly weight: number }[] {
    if (this.#hourCount === 0) return [];
    const from = Math.max(this.#firstClockHour, this.#clockHour - Math.min(hours, this.#counts.length) + 1);
    return Array.from({ length: this.#clockHour - from + 1 }, (_, i) => ({
      clockHour: from + i,
      weight: this.#counts[this.#slot(from + i)]!,
    }));
  }

  /** Mean weight of each hour of the week, Monday 00:00 first, decayed over weeks; null where that hour was never seen. */
  weekProfile(): readonly (number | null)[] {
    return Array.from(this.#weekSum, (sum, hour) => (this.#weekCount[hour]! > 0 ? sum / this.#weekCount[hour]! : null));
  }

  /** Fills `row` for the hour `clockHour` of the local clock, which follows the latest. */
  fill(clockHour: number, row: Float64Array): void {
    const [last, before, third] = this.#recent as unknown as readonly [number, number, number];
    const lastDay = this.#at(clockHour - 24, last);
    const lastWeek = this.#at(clockHour - hoursPerWeek, lastDay);
    row[DemandColumn.lastHour] = last;
    row[DemandColumn.twoHours] = this.#hourCount > 1 ? before : last;
    row[DemandColumn.threeHours] = this.#hourCount > 2 ? third : row[DemandColumn.twoHours]!;
    row[DemandColumn.lastDay] = lastDay;
    row[DemandColumn.lastDayBefore] = this.#at(clockHour - 25, lastDay);
    row[DemandColumn.lastDayAfter] = this.#at(clockHour - 23, last);
    row[DemandColumn.lastWeek] = lastWeek;
    row[DemandColumn.lastWeekBefore] = this.#at(clockHour - hoursPerWeek - 1, lastWeek);
    row[DemandColumn.twoWeeks] = this.#at(clockHour - 2 * hoursPerWeek, lastWeek);
    row[DemandColumn.profile] = this.#profile(clockHour);
    row[DemandColumn.profileBefore] = this.#profile(clockHour - 1);
    row[DemandColumn.level] = this.#level();
  }

  /** The hour `clockHour` held `weight`. */
  push(clockHour: number, weight: number): void {
    if (this.#hourCount === 0) this.#firstClockHour = clockHour;
    const firstSkipped = Math.max(this.#clockHour + 1, clockHour - this.#counts.length);
    for (let hour = firstSkipped; hour < clockHour; hour++) {
      this.#counts[this.#slot(hour)] = this.#counts[this.#slot(hour - hoursPerWeek)]!;
    }
    if (!(clockHour < this.#clockHour)) this.#clockHour = clockHour;
    this.#hourCount++;
    this.#counts[this.#slot(clockHour)] = weight;
    this.#recent.copyWithin(1, 0);
    this.#recent[0] = weight;
    const week = hourOfWeekOf(clockHour);
    this.#weekSum[week] = this.#weekSum[week]! * weekKeep + weight;
    this.#weekCount[week] = this.#weekCount[week]! * weekKeep + 1;
    this.#daySum[week % 24] = this.#daySum[week % 24]! * dayKeep + weight;
    this.#dayCount[week % 24] = this.#dayCount[week % 24]! * dayKeep + 1;
    this.#all[0] = this.#all[0]! * levelKeep + weight;
    this.#all[1] = this.#all[1]! * levelKeep + 1;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#clockHour, this.#firstClockHour, this.#hourCount);
    for (const array of this.#arrays()) writer.array(array);
  }

  load(reader: SnapshotReader): void {
    const [clockHour, firstClockHour, hourCount] = reader.numbers();
    this.#clockHour = clockHour!;
    this.#firstClockHour = firstClockHour!;
    this.#hourCount = hourCount!;
    for (const array of this.#arrays()) reader.into(array);
  }

  #arrays(): readonly Float64Array[] {
    return [this.#counts, this.#recent, this.#weekSum, this.#weekCount, this.#daySum, this.#dayCount, this.#all];
  }

  /** Count of a clock hour in the past; `otherwise` where that lies before the first. */
  #at(clockHour: number, otherwise: number): number {
    return clockHour >= this.#firstClockHour ? this.#counts[this.#slot(clockHour)]! : otherwise;
  }

  #slot(clockHour: number): number {
    const slot = clockHour % this.#counts.length;
    return slot < 0 ? slot + this.#counts.length : slot;
  }

  #level(): number {
    return this.#all[1]! > 0 ? this.#all[0]! / this.#all[1]! : 0;
  }

  /** Mean of the hour of the week, pulled towards that of the hour of the day, and that towards the level. */
  #profile(clockHour: number): number {
    const week = hourOfWeekOf(clockHour);
    const day = week % 24;
    const ofDay = (this.#daySum[day]! + levelHours * this.#level()) / (this.#dayCount[day]! + levelHours);
    return (this.#weekSum[week]! + ofDay) / (this.#weekCount[week]! + 1);
  }
}
