/** Total hourly demand one step ahead: the product's forecast against "as in the last hour", "the last day" and "the last week". */

import { DemandForecaster } from '../../actors/seasonal-predictor/demand-forecaster.ts';
import { seasonalPredictorConfigSchema } from '../../actors/seasonal-predictor/seasonal-predictor-config.ts';
import { Trace } from '../replay/trace.ts';

const hourMs = 3_600_000;
/** Rivals, by how many hours back they look. */
const rivals = { 'last hour': 1, 'last day': 24, 'last week': 168 } as const;
/** The part at the end that no setting was chosen on. */
const heldOutShare = 0.3;

/** A trace and the most that the forecast's error may be, as a share of that of the last hour. */
interface DemandGoal {
  readonly trace: string;
  readonly ratioMax: number;
}

export const demandGoals: readonly DemandGoal[] = [
  { trace: 'session_bikeshare', ratioMax: 0.56 },
  { trace: 'serverless_azure14d_total', ratioMax: 1.03 },
  { trace: 'serverless_nasa_ipsc', ratioMax: 1.03 },
];

/** Mean absolute errors by name, over hours that all of them forecast. */
interface DemandErrorRow {
  readonly trace: string;
  readonly part: string;
  readonly hours: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly ratio: number;
  readonly isMet: boolean;
}

/** Weight of all accesses of each hour from the first to the last. */
async function hourlyDemand(path: string): Promise<{ readonly firstHour: number; readonly weights: Float64Array }> {
  const trace = await Trace.open(path, { seed: 1, addressBytes: null });
  const [fromMs, toMs] = trace.facts.timeSpanMs!;
  const firstHour = Math.floor(fromMs / hourMs);
  const weights = new Float64Array(Math.floor(toMs / hourMs) - firstHour + 1);
  for await (const batch of trace.batches()) {
    for (let i = 0; i < batch.length; i++) {
      weights[Math.floor(batch.timeMs[i]! / hourMs) - firstHour]! += batch.weight[i]!;
    }
  }
  trace.close();
  return { firstHour, weights };
}

/** Predict, then learn: errors over the whole trace (but its first hour) and over the last 30 %. A rival without a past takes the last hour's. */
export async function demandErrors(folder: string, goal: DemandGoal): Promise<readonly DemandErrorRow[]> {
  const { firstHour, weights } = await hourlyDemand(`${folder}/${goal.trace}.csv.gz`);
  const { demandRate, demandShareRate } = seasonalPredictorConfigSchema.parse({});
  const forecaster = new DemandForecaster({ rate: demandRate, shareRate: demandShareRate });
  const said = weights.map((weight, i) => {
    const forecast = forecaster.forecast(firstHour + i).weight;
    forecaster.learn(firstHour + i, weight);
    return forecast;
  });
  const heldOutFrom = Math.floor(weights.length * (1 - heldOutShare));
  return [
    { part: 'whole', from: 1 },
    { part: 'last 30 %', from: heldOutFrom },
  ].map(({ part, from }) => {
    const meanError = (forecast: (i: number) => number): number => {
      let sum = 0;
      for (let i = from; i < weights.length; i++) sum += Math.abs(forecast(i) - weights[i]!);
      return sum / (weights.length - from);
    };
    const errors = Object.fromEntries([
      ...Object.entries(rivals).map(([name, back]) => [
        name,
        meanError((i) => (i >= back ? weights[i - back]! : weights[i - 1]!)),
      ]),
      ['anteroom', meanError((i) => said[i]!)],
    ]) as Record<string, number>;
    const ratio = errors.anteroom! / errors['last hour']!;
    return { trace: goal.trace, part, hours: weights.length - from, errors, ratio, isMet: ratio <= goal.ratioMax };
  });
}
