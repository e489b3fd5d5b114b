/** P(segment accessed within a horizon), mixed from experts and calibrated. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { TopK } from '../aggregator/top-k.ts';
import type { ForecastColumns, ProposalColumns } from '../messages.ts';
import { TimeAxis } from '../time-axis.ts';
import { CalibrationStats } from './calibration-stats.ts';
import { Calibrator } from './calibrator.ts';
import { outcomeParts } from './calibrator-bank.ts';
import { ExpertMixture } from './expert-mixture.ts';
import { type ForecasterConfig, forecasterConfigSchema } from './forecaster-config.ts';
import { OutcomeCalibration, saidCount } from './outcome-calibration.ts';
import { Overdispersion } from './overdispersion.ts';
import { type DueForecast, PendingForecasts } from './pending-forecasts.ts';
import { RecentCalibration } from './recent-calibration.ts';
import { WindowError } from './window-error.ts';

interface Horizon {
  /** One for each expert. */
  readonly calibrators: readonly Calibrator[];
  readonly mixture: ExpertMixture;
  /** For the mixture. */
  readonly outcomes: OutcomeCalibration;
  /** How many of all that was stated, passed on or not, count as one. */
  readonly dispersion: Overdispersion;
  /** Of forecasts that would matter, passed on or not. */
  readonly recent: RecentCalibration;
  /** Of the same, by windows as long as the horizon. */
  readonly windows: WindowError;
  readonly pending: PendingForecasts;
  readonly stats: CalibrationStats;
  /** Of those that were stated at `candidateMin` or above. */
  readonly candidates: CalibrationStats;
}

/** Probability from which a forecast may matter to a plan. */
const candidateMin = 0.05;
/** Forecasts over which it is judged whether the next can be trusted. */
const recentOutcomes = 1000;

/**
 * For each horizon: every expert's score is calibrated by itself, the awake experts are mixed by their record, and the
 * mixture is calibrated once more, because a mean of calibrated forecasts is too timid (Ranjan and Gneiting, JRSS B 2010), as it is and apart for how
 * long the segment has been forecast in vain. Whom to believe is learnt at the rate at which outcomes are evidence of their own. Experts are learnt from when a horizon has passed, at the first tick after; what the mixture means, by parts of it.
 *
 * All state changes at accesses and ticks in log order, never in the order in which experts answer, so results do not depend
 * on how batches are cut. What it gets wrong: a segment that no expert named is never forecast, so it says nothing of misses.
 */
export class Forecaster {
  readonly config: ForecasterConfig;
  readonly experts: readonly string[];
  readonly axis = new TimeAxis();
  readonly #horizons: readonly Horizon[];
  #untrackedCount = 0;
  #cutCount = 0;

  constructor(experts: readonly string[], config: ForecasterConfig = forecasterConfigSchema.parse({})) {
    assert(experts.length >= 1 && experts.length <= 255, 'a forecaster mixes 1..255 experts');
    this.config = config;
    this.experts = experts;
    const count = Math.max(config.horizonsMs.length, config.horizonsAccesses.length);
    this.#horizons = Array.from({ length: count }, () => ({
      calibrators: experts.map(() => new Calibrator(config)),
      mixture: new ExpertMixture(experts.length, config.shareRate),
      outcomes: new OutcomeCalibration(config),
      dispersion: new Overdispersion(),
      recent: new RecentCalibration(recentOutcomes),
      windows: new WindowError(),
      pending: new PendingForecasts(experts.length, saidCount, config.pendingMax, outcomeParts),
      stats: new CalibrationStats(),
      candidates: new CalibrationStats(),
    }));
  }

  /** Horizons on the axis that the trace has: ms, or accesses. */
  get horizons(): readonly number[] {
    return this.axis.usesTime === false ? this.config.horizonsAccesses : this.config.horizonsMs;
  }

  /** Forecasts that were passed on but not learnt from, because too many waited. */
  get untrackedCount(): number {
    return this.#untrackedCount;
  }

  /** Forecasts beyond `forecastsMax`. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** Forecasts that wait for their outcome. */
  get pendingCount(): number {
    return this.#horizons.reduce((sum, { pending }) => sum + pending.count, 0);
  }

  /** How true the final probabilities of a horizon came. */
  statsOf(horizon: number): CalibrationStats {
    return this.#horizons[horizon]!.stats;
  }

  /** The same of those stated at .05 or above: the many that hardly ever come true are easy to be right about. */
  candidateStatsOf(horizon: number): CalibrationStats {
    return this.#horizons[horizon]!.candidates;
  }

  /** Share of each expert in a horizon's mixture, in the order of `experts`. */
  weightsOf(horizon: number): Float64Array {
    return this.#horizons[horizon]!.mixture.weight.slice();
  }

  observe(batch: AccessBatch): void {
    if (!this.#horizons.some(({ pending }) => pending.isUsed)) {
      this.axis.advance(batch, 0, batch.length);
      return;
    }
    const instants = this.axis.instantsOf(batch);
    // Something was forecast, so the axis is known.
    const { horizons } = this;
    for (let h = 0; h < horizons.length; h++) {
      const { pending } = this.#horizons[h]!;
      if (pending.isUsed) pending.observe(batch.segment, instants, horizons[h]!);
    }
  }

  /**
   * Learns from the forecasts that are due and makes new ones at a tick. `proposals[e]` are those of expert e; of two rows
   * with one segment and horizon the higher score counts.
   */
  forecast(position: number, timeMs: number, proposals: readonly ProposalColumns[]): ForecastColumns {
    assert(proposals.length === this.experts.length, `one set of proposals for each of ${this.experts.length} experts`);
    const now = this.axis.instantAt(timeMs, position);
    for (let h = 0; h < this.#horizons.length; h++) this.#learn(h, now);
    const parts = this.horizons.map((horizon, h) => this.#forecastHorizon(h, now, now + horizon, proposals));
    return joinColumns(parts);
  }

  /**
   * What the mixture would say of one segment at horizon `h`, given each expert's score (NaN = it abstains). Nothing is learned from it.
   * Null where all abstain. Whether it would be passed on, or is on trial, is not asked.
   */
  estimate(
    h: number,
    scores: Float64Array,
    segment: number,
  ): { readonly probability: number; readonly expert: number } | null {
    const { calibrators, mixture, outcomes, pending } = this.#horizons[h]!;
    const calibrated = new Float64Array(scores.length);
    this.#calibrate(calibrators, scores, 0, calibrated, 0);
    const mixed = mixture.mix(calibrated, 0);
    if (Number.isNaN(mixed)) return null;
    const elapsed = pending.overdueAt(segment, this.axis.latest);
    const probability = outcomes.state(mixed, elapsed, this.horizons[h]!, new Float64Array(saidCount));
    return { probability, expert: mixture.leader(calibrated, 0) };
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.section('forecaster');
    this.axis.persist(fields);
    for (const horizon of this.#horizons) {
      const { calibrators, mixture, outcomes, dispersion, recent, windows, pending, stats, candidates } = horizon;
      for (const part of [...calibrators, mixture, outcomes, dispersion, recent, windows, pending, stats, candidates])
        part.persist(fields);
    }
    this.#untrackedCount = fields.number(this.#untrackedCount);
    this.#cutCount = fields.number(this.#cutCount);
  }

  #learn(h: number, now: number): void {
    const { calibrators, mixture, outcomes, dispersion, recent, windows, pending, stats, candidates } =
      this.#horizons[h]!;
    const length = this.horizons[h]!;
    // What the mixture said is computed anew from the experts' scores, under what these mean and the experts weigh by now: so its
    // calibration is of the mixture as it will be asked next, and not as it was a horizon ago.
    const today = new Float64Array(this.experts.length);
    pending.takeParts(now, length, (part, isHit, scores, from, said, saidFrom) => {
      this.#calibrate(calibrators, scores, from, today, 0);
      outcomes.note(mixture.mix(today, 0), said, saidFrom, part, isHit);
    });
    dispersion.advance(now);
    const { rate } = dispersion;
    outcomes.settle(now, length, rate);
    const due: DueForecast[] = [];
    pending.takeExpired(now, (forecast) => due.push(forecast));
    windows.advance(now);
    for (const { isHit, said, saidFrom } of due) outcomes.learn(said, saidFrom, isHit, rate);
    for (const { stated, isHit, scores, calibrated, from } of due) {
      for (let e = 0; e < calibrators.length; e++) {
        const score = scores[from + e]!;
        if (!Number.isNaN(score)) calibrators[e]!.learn(score, isHit);
      }
      mixture.learn(calibrated, from, isHit, rate);
      dispersion.observe(now, length, Math.abs(stated), isHit);
      if (Math.abs(stated) >= candidateMin) {
        recent.observe(Math.abs(stated), isHit);
        windows.observe(now, length, Math.abs(stated), isHit);
      }
      if (stated < 0) continue;
      stats.observe(stated, isHit);
      if (stated >= candidateMin) candidates.observe(stated, isHit);
    }
  }

  /** What the experts' scores at `from` mean by now; NaN stays NaN. */
  #calibrate(
    calibrators: readonly Calibrator[],
    scores: Float64Array,
    from: number,
    into: Float64Array,
    at: number,
  ): void {
    for (let e = 0; e < calibrators.length; e++) {
      const score = scores[from + e]!;
      into[at + e] = Number.isNaN(score) ? Number.NaN : calibrators[e]!.calibrate(score);
    }
  }

  #forecastHorizon(h: number, now: number, deadline: number, proposals: readonly ProposalColumns[]): ForecastColumns {
    const { calibrators, mixture, outcomes, recent, windows, pending } = this.#horizons[h]!;
    const length = this.horizons[h]!;
    const { forecastsMax, probabilityMin, outcomesMin, calibrationErrorMax, windowErrorMax } = this.config;
    // Before it has seen what becomes of them forecasts are on trial only, and those that matter also while the latest of these did not
    // come true as they said.
    const isSeasoned = outcomes.outcomeCount >= outcomesMin;
    const isSteady = windowErrorMax >= 1 || (windows.windowCount > 0 && windows.error <= windowErrorMax);
    const isTrusted = calibrationErrorMax >= 1 || (isSteady && recent.ece <= calibrationErrorMax && recent.hasSkill);
    const expertCount = this.experts.length;
    const rowOf = new Map<number, number>();
    const total = proposals.reduce((sum, { segment }) => sum + segment.length, 0);
    const scores = new Float64Array(total * expertCount).fill(Number.NaN);
    for (let e = 0; e < expertCount; e++) {
      const { segment, horizon, score } = proposals[e]!;
      for (let i = 0; i < segment.length; i++) {
        if (horizon[i] !== h) continue;
        let row = rowOf.get(segment[i]!);
        if (row === undefined) {
          row = rowOf.size;
          rowOf.set(segment[i]!, row);
        }
        const at = row * expertCount + e;
        if (!(scores[at]! >= score[i]!)) scores[at] = score[i]!;
      }
    }
    const count = rowOf.size;
    const segments = Uint32Array.from(rowOf.keys());
    const calibrated = new Float64Array(count * expertCount).fill(Number.NaN);
    const probability = new Float64Array(count);
    const said = new Float64Array(saidCount);
    const expert = new Uint8Array(count);
    const top = new TopK(Math.min(forecastsMax, count));
    let offered = 0;
    for (let row = 0; row < count; row++) {
      const from = row * expertCount;
      this.#calibrate(calibrators, scores, from, calibrated, from);
      const p = outcomes.state(mixture.mix(calibrated, from), pending.overdueAt(segments[row]!, now), length, said);
      probability[row] = p;
      expert[row] = mixture.leader(calibrated, from);
      const isPassed = isSeasoned && (isTrusted || p < candidateMin);
      // The sign says that it is on trial only.
      const stated = isPassed ? p : -p;
      if (!pending.push(segments[row]!, now, deadline, stated, scores, calibrated, from, said, 0))
        this.#untrackedCount++;
      if (isPassed && p >= probabilityMin) {
        offered++;
        top.offer(segments[row]!, p);
      }
    }
    this.#cutCount += Math.max(0, offered - forecastsMax);
    const best = top.takeIds();
    return {
      segment: Uint32Array.from(best),
      horizon: new Uint8Array(best.length).fill(h),
      probability: Float64Array.from(best, (segment) => probability[rowOf.get(segment)!]!),
      expert: Uint8Array.from(best, (segment) => expert[rowOf.get(segment)!]!),
    };
  }
}

function joinColumns(parts: readonly ForecastColumns[]): ForecastColumns {
  const length = parts.reduce((sum, { segment }) => sum + segment.length, 0);
  const joined = {
    segment: new Uint32Array(length),
    horizon: new Uint8Array(length),
    probability: new Float64Array(length),
    expert: new Uint8Array(length),
  };
  let at = 0;
  for (const part of parts) {
    joined.segment.set(part.segment, at);
    joined.horizon.set(part.horizon, at);
    joined.probability.set(part.probability, at);
    joined.expert.set(part.expert, at);
    at += part.segment.length;
  }
  return joined;
}
