/** Keeping functions in memory: cold starts against memory time, of the interval predictor and of published policies. */

import { IntervalModel } from '../../actors/interval-predictor/interval-model.ts';
import { intervalPredictorConfigSchema } from '../../actors/interval-predictor/interval-predictor-config.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Trace } from '../replay/trace.ts';
import { fixedKeepAlive, hybridHistogram, type KeepAliveCost, playKeepAlive } from './keep-alive-policies.ts';

const minuteMs = 60_000;

/** One point of the predictor's curve: what it costs at a price of a minute of memory, in cold starts. */
interface PricedCost extends KeepAliveCost {
  readonly price: number;
  /** Loads ahead of an invocation that the function was not held for until then. */
  readonly prewarms: number;
}

/** A published policy, and what the predictor costs in as much memory time. */
export interface KeepAliveRow extends KeepAliveCost {
  readonly part: string;
  readonly policy: string;
  /** Cold starts of the predictor at the same memory time, between two points of its curve. */
  readonly ours: number;
  readonly price: number;
  readonly prewarms: number;
}

/** Prices of a minute of memory against a cold start: the one knob. */
const prices = Array.from({ length: 120 }, (_, i) => 0.6 * 0.95 ** i);

export async function compareKeepAlive(folder: string): Promise<readonly KeepAliveRow[]> {
  const trace = await Trace.open(`${folder}/serverless_azf_a.csv.gz`, { seed: 1, addressBytes: null });
  const batches: AccessBatch[] = [];
  for await (const batch of trace.batches()) batches.push(batch);
  const functions = minutesOf(batches, trace.facts.segmentCount);
  trace.close();
  const endMinute = Math.max(...functions.map((minutes) => minutes.at(-1)!)) + 1;
  const policies = [
    ...[10, 20, 60, 120].map((minutes) => [`fixed, ${minutes} min`, fixedKeepAlive(minutes)] as const),
    ...[240, 60, 10].map((minutes) => [`hybrid histogram, else ${minutes} min`, hybridHistogram(minutes)] as const),
  ];
  return [
    { part: 'whole day', from: 0 },
    { part: 'last 30 %', from: Math.floor(0.7 * endMinute) },
  ].flatMap(({ part, from }) => {
    const curve = playPredictor(batches, functions, from, endMinute);
    return policies.map(([policy, make]) => {
      const cost = playKeepAlive(functions, from, endMinute, make);
      return { part, policy, ...cost, ...atMinutes(curve, cost.minutes) };
    });
  });
}

/** Minutes in which each segment was accessed, ascending. */
function minutesOf(batches: readonly AccessBatch[], segmentCount: number): readonly (readonly number[])[] {
  const functions: number[][] = Array.from({ length: segmentCount }, () => []);
  for (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      const minute = Math.floor(batch.timeMs[i]! / minuteMs);
      const minutes = functions[batch.segment[i]!]!;
      if (minutes.at(-1) !== minute) minutes.push(minute);
    }
  }
  return functions.filter((minutes) => minutes.length > 0);
}

/**
 * Minute by minute: what was invoked is observed, then each function seen is held through the next minute where P(invoked in it) is at least the
 * price. A function is held for free in the minute of its invocation, as under the other policies.
 */
function playPredictor(
  batches: readonly AccessBatch[],
  functions: readonly (readonly number[])[],
  fromMinute: number,
  endMinute: number,
): readonly PricedCost[] {
  const model = new IntervalModel(intervalPredictorConfigSchema.parse({}));
  const n = functions.length;
  const next = new Int32Array(n);
  const held = Array.from(prices, () => new Uint8Array(n));
  const coldStarts = new Float64Array(prices.length).fill(functions.filter(([first]) => first! >= fromMinute).length);
  const minutes = new Float64Array(prices.length);
  const prewarms = new Float64Array(prices.length);
  let batch = 0;
  let row = 0;
  for (let minute = 0; minute + 1 < endMinute; minute++) {
    const until = (minute + 1) * minuteMs;
    while (batch < batches.length && batches[batch]!.timeMs[row]! < until) {
      const from = row;
      const { timeMs, length } = batches[batch]!;
      while (row < length && timeMs[row]! < until) row++;
      model.observe(batches[batch]!.slice(from, row));
      if (row === length) {
        batch++;
        row = 0;
      }
    }
    for (let f = 0; f < n; f++) {
      const invoked = functions[f]!;
      const isInvokedNow = invoked[next[f]!] === minute;
      if (isInvokedNow) next[f]!++;
      if (next[f] === 0) continue;
      const isInvokedNext = invoked[next[f]!] === minute + 1;
      const probability = model.probabilityOf(f, minute * minuteMs)!;
      for (let k = 0; k < prices.length; k++) {
        const wasHeld = isInvokedNow || held[k]![f] === 1;
        const isHeld = probability >= prices[k]!;
        held[k]![f] = isHeld ? 1 : 0;
        if (minute + 1 < fromMinute) continue;
        if (isHeld) minutes[k]!++;
        else if (isInvokedNext) coldStarts[k]!++;
        if (isHeld && !wasHeld) prewarms[k]!++;
      }
    }
  }
  return prices.map((price, k) => ({
    price,
    coldStarts: coldStarts[k]!,
    minutes: minutes[k]!,
    prewarms: prewarms[k]!,
  }));
}

/** Between the two points of the curve on either side of `minutes`; at its end beyond it. */
function atMinutes(curve: readonly PricedCost[], minutes: number): Pick<KeepAliveRow, 'ours' | 'price' | 'prewarms'> {
  const after = curve.findIndex((point) => point.minutes >= minutes);
  const high = curve[after === -1 ? curve.length - 1 : after]!;
  const low = curve[Math.max(0, (after === -1 ? curve.length : after) - 1)]!;
  const span = high.minutes - low.minutes;
  const share = span > 0 ? (minutes - low.minutes) / span : 0;
  const between = (a: number, b: number): number => a + share * (b - a);
  return {
    ours: between(low.coldStarts, high.coldStarts),
    price: between(low.price, high.price),
    prewarms: between(low.prewarms, high.prewarms),
  };
}
