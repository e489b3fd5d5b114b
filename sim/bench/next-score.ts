/** Predict, then score, then learn: hit rates of models of the next segment over the steps that change segment. */

import { type NextItemModel, NextItemRanking } from '../../actors/sequence-predictor/next-item-model.ts';
import { FrequencyBaseline, MarkovBaseline, type NextBaseline } from './next-baselines.ts';

/** Accesses in log order, as columns. */
export interface NextTrace {
  readonly segment: Int32Array;
  readonly consumer: Int32Array;
  readonly timeMs: Float64Array;
}

/** Steps and hits of one part of a trace. */
export interface NextHits {
  steps: number;
  top1: number;
  top4: number;
}

export interface NextScore {
  readonly name: string;
  /** The first 70 % of the accesses, on which settings were chosen, and the rest. */
  readonly developed: NextHits;
  readonly heldOut: NextHits;
  /** Mean of |said - came true| over ten bins of the best candidate's probability, weighted by their steps; NaN for a yardstick. */
  readonly calibrationError: number;
  readonly bytes: number;
  readonly evictedCount: number;
  readonly usPerStep: number;
}

export const DEVELOPED_SHARE = 0.7;
const PLACES = 4;
const PROBABILITY_BINS = 10;

const noHits = (): NextHits => ({ steps: 0, top1: 0, top4: 0 });

function count(hits: NextHits, place: number): void {
  hits.steps++;
  if (place === 0) hits.top1++;
  if (place >= 0) hits.top4++;
}

/** The steps of a trace: calls `step` for each access whose consumer has a previous segment, another than this one. */
function eachStep(
  trace: NextTrace,
  step: (i: number, previous: number, isHeldOut: boolean) => void,
  after: (i: number) => void,
): void {
  const { segment, consumer } = trace;
  const previous = new Map<number, number>();
  const cut = Math.floor(segment.length * DEVELOPED_SHARE);
  for (let i = 0; i < segment.length; i++) {
    const before = previous.get(consumer[i]!);
    if (before !== undefined && before !== segment[i]) step(i, before, i >= cut);
    previous.set(consumer[i]!, segment[i]!);
    after(i);
  }
}

export function scoreBaselines(trace: NextTrace): NextScore[] {
  const baselines: readonly NextBaseline[] = [new FrequencyBaseline(), new MarkovBaseline()];
  return baselines.map((baseline) => {
    const developed = noHits();
    const heldOut = noHits();
    eachStep(
      trace,
      (i, previous, isHeldOut) => {
        count(isHeldOut ? heldOut : developed, baseline.placeOf(previous, trace.segment[i]!));
        baseline.learn(previous, trace.segment[i]!);
      },
      () => {},
    );
    const { name } = baseline;
    return { name, developed, heldOut, calibrationError: Number.NaN, bytes: 0, evictedCount: 0, usPerStep: 0 };
  });
}

/** `elapsedMs` reads the clock of the bench; `onAccess` runs after each access, for models that are trained beside. */
export async function scoreModel(
  model: NextItemModel,
  trace: NextTrace,
  elapsedMs: () => number,
  onAccess: (i: number) => Promise<void> | undefined = () => undefined,
): Promise<NextScore> {
  const developed = noHits();
  const heldOut = noHits();
  const ranking = new NextItemRanking(PLACES);
  const said = new Float64Array(PROBABILITY_BINS);
  const came = new Float64Array(PROBABILITY_BINS);
  const previous = new Map<number, number>();
  const { segment, consumer, timeMs } = trace;
  const cut = Math.floor(segment.length * DEVELOPED_SHARE);
  const started = elapsedMs();
  for (let i = 0; i < segment.length; i++) {
    const before = previous.get(consumer[i]!);
    const actual = segment[i]!;
    if (before !== undefined && before !== actual) {
      model.forecast(consumer[i]!, ranking);
      let place = -1;
      for (let at = ranking.count - 1; at >= 0; at--) if (ranking.segment[at] === actual) place = at;
      count(i >= cut ? heldOut : developed, place);
      if (ranking.count > 0) {
        const p = ranking.probability[0]!;
        const bin = Math.min(PROBABILITY_BINS - 1, Math.floor(p * PROBABILITY_BINS));
        said[bin] = said[bin]! + p;
        came[bin] = came[bin]! + (place === 0 ? 1 : 0);
      }
    }
    previous.set(consumer[i]!, actual);
    model.observe(consumer[i]!, actual, timeMs[i]!);
    const waiting = onAccess(i);
    if (waiting !== undefined) await waiting;
  }
  const steps = developed.steps + heldOut.steps;
  let error = 0;
  for (let bin = 0; bin < PROBABILITY_BINS; bin++) error += Math.abs(said[bin]! - came[bin]!);
  return {
    name: model.name,
    developed,
    heldOut,
    calibrationError: error / steps,
    bytes: model.bytes,
    evictedCount: model.evictedCount,
    usPerStep: ((elapsedMs() - started) * 1000) / steps,
  };
}
