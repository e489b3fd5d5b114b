/** What a replay means, in plain words: what was gained, what it cost, and when not to turn it on. */

import type { RunResult } from '../replay/result.ts';
import { bytesText } from './table.ts';

/** The judgement over one trace at one cache size. */
export interface Verdict {
  readonly trace: string;
  /** The cache, as a person says it: `10 % (495 segments)`. */
  readonly cache: string;
  /** `yes`: worth its price here; `no`: not; `none`: the engine was not among the prefetchers. */
  readonly answer: 'yes' | 'no' | 'none';
  /** The judgement in one clause, without trace and cache. */
  readonly headline: string;
  /** Sentences, in reading order. */
  readonly details: readonly string[];
}

/** Fewer avoided misses than this share of the baseline's are not worth another moving part. */
const GAIN_MIN = 0.01;

/** One verdict for each trace and cache size, in the order of the runs. */
export function verdicts(runs: readonly RunResult[]): readonly Verdict[] {
  const groups = new Map<string, RunResult[]>();
  for (const run of runs) {
    const key = `${run.trace}\u0000${run.cache.unit}\u0000${run.cache.size}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].map(verdictOf);
}

function verdictOf(runs: readonly RunResult[]): Verdict {
  const first = runs[0]!;
  const where = { trace: first.trace, cache: cacheText(first) };
  const engine = best(runs.filter((run) => run.prefetch === 'anteroom' && run.evictUsed !== 'belady'));
  if (engine === undefined) {
    return { ...where, answer: 'none', headline: 'not judged, the engine was not among the prefetchers', details: [] };
  }
  const gain = engine.baselineMisses === 0 ? 0 : 1 - engine.misses / engine.baselineMisses;
  const isWorthIt = gain >= GAIN_MIN && (engine.netBenefit ?? 0) > 0 && (engine.latencyRatio ?? 0) <= 1;
  const details = [gainSentence(engine, gain), costSentence(engine)];
  if (engine.late > 0) details.push(latenessSentence(engine));
  const rival = best(runs.filter(isRival));
  if (rival !== undefined) details.push(rivalSentence(engine, rival));
  details.push(warningSentence(engine, gain, isWorthIt));
  return {
    ...where,
    answer: isWorthIt ? 'yes' : 'no',
    headline: isWorthIt ? gainHeadline(engine, gain) : `do not turn this on: ${refusal(engine, gain)}`,
    details,
  };
}

/** All of a verdict in one line, for a terminal. */
export function verdictLine(verdict: Verdict, traceName: string): string {
  return `${traceName}, cache of ${verdict.cache}: ${verdict.headline}`;
}

function gainHeadline(run: RunResult, gain: number): string {
  const wait = run.latencyRatio === null ? '' : ` and ${percent(1 - run.latencyRatio)} of the waiting`;
  const traffic = run.trafficRatio ?? 1;
  const price = `, ${traffic >= 1 ? 'for' : 'with'} ${moreOrFewer(traffic - 1, 'requests')} than LRU`;
  return `avoids ${percent(gain)} of the misses${wait}${price}`;
}

/** Why the engine is not worth turning on, as a clause. */
function refusal(run: RunResult, gain: number): string {
  if (run.baselineMisses === 0) return 'nothing is missed without it';
  if (run.prefetches.issued === 0) return 'it found nothing worth fetching early';
  if (gain < -GAIN_MIN) return `it would cause ${percent(-gain)} more misses`;
  if (gain < GAIN_MIN) return 'too little here can be predicted';
  if ((run.latencyRatio ?? 0) > 1) return 'it avoids misses, but people would wait longer';
  return 'it costs more than it saves, at the prices given';
}

function gainSentence(run: RunResult, gain: number): string {
  const before = percent(run.accesses === 0 ? 0 : run.baselineMisses / run.accesses);
  const after = percent(run.missRatio ?? 0);
  const change = gain >= 0 ? `${percent(gain)} fewer` : `${percent(-gain)} more`;
  const wait =
    run.latencyRatio === null || run.latencyMs.mean === null
      ? ''
      : ` The mean wait is ${waitText(run.latencyMs.mean, run)}, ${percent(Math.abs(1 - run.latencyRatio))} ${run.latencyRatio <= 1 ? 'less' : 'more'} than without.`;
  const worth =
    run.netBenefit === null || run.prefetches.issued === 0
      ? ''
      : ` Time saved less what requests, bytes and space cost comes to ${amountText(run.netBenefit)} over this log, in the currency of the prices.`;
  return `Of ${grouped(run.accesses)} accesses, ${before} missed without prefetching and ${after} with it: ${change} misses.${wait}${worth}`;
}

function costSentence(run: RunResult): string {
  const { issued, useful, late, wasted } = run.prefetches;
  if (issued === 0) return 'Nothing was prefetched: the engine saw nothing worth its price, so it cost nothing.';
  const traffic =
    run.trafficRatio === null ? '' : ` The origin served ${moreOrFewer(run.trafficRatio - 1, 'requests')}`;
  const bytes =
    run.trafficBytesRatio === null || run.bytes === null
      ? ''
      : ` and ${moreOrFewer(run.trafficBytesRatio - 1, 'bytes')}`;
  return `${grouped(issued)} prefetches were sent; ${percent((useful + late) / issued)} of them were used, ${grouped(wasted)} were wasted.${traffic}${bytes} compared with LRU without prefetching.`;
}

function latenessSentence(run: RunResult): string {
  const used = run.prefetches.useful + run.prefetches.late;
  return `${percent(run.prefetches.late / used)} of the used prefetches were still on their way when they were asked for; they shortened the wait but did not end it.`;
}

function rivalSentence(engine: RunResult, rival: RunResult): string {
  const difference = rival.misses === 0 ? 0 : 1 - engine.misses / rival.misses;
  const side = difference >= 0 ? `${percent(difference)} fewer` : `${percent(-difference)} more`;
  const traffic = rival.trafficRatio === null ? '' : ` and ${moreOrFewer(rival.trafficRatio - 1, 'requests')} than LRU`;
  return `The best published prefetcher replayed beside it, ${rival.prefetch} on ${rival.evictUsed}, had ${grouped(rival.misses)} misses${traffic}; the engine had ${side} misses than that.`;
}

function warningSentence(run: RunResult, gain: number, isWorthIt: boolean): string {
  if (!isWorthIt) {
    if (run.baselineMisses === 0) return 'This cache misses nothing as it is.';
    if (gain < GAIN_MIN)
      return 'There is too little here that can be predicted: the misses it avoids do not repay another moving part.';
    if ((run.latencyRatio ?? 0) > 1)
      return 'It avoids misses but makes people wait longer, because its fetches take slots from theirs.';
    return 'The time it saves is worth less than the requests and bytes it costs, at the prices given; with other prices the answer may differ.';
  }
  if ((run.trafficRatio ?? 1) > 1.05) {
    return `Do not turn it on where the origin cannot carry ${moreOrFewer((run.trafficRatio ?? 1) - 1, 'requests')}, or lower --traffic-max.`;
  }
  return 'Do not turn it on if your log is not typical of the weeks to come: replay another one first.';
}

/** The run with the largest net benefit, or the fewest misses where benefits are equal. */
function best(runs: readonly RunResult[]): RunResult | undefined {
  let chosen: RunResult | undefined;
  for (const run of runs) {
    if (chosen === undefined) chosen = run;
    else if ((run.netBenefit ?? 0) > (chosen.netBenefit ?? 0)) chosen = run;
    else if (run.netBenefit === chosen.netBenefit && run.misses < chosen.misses) chosen = run;
  }
  return chosen;
}

/** A published prefetcher that did something. Offline bounds see the future; nobody can choose them. */
function isRival(run: RunResult): boolean {
  const isOurs = run.prefetch === 'anteroom' || run.prefetch === 'none';
  const isBound = run.prefetch.startsWith('clairvoyant') || run.evictUsed === 'belady';
  return !isOurs && !isBound && run.prefetches.issued > 0;
}

export function cacheText(run: RunResult): string {
  const size = run.cache.unit === 'bytes' ? bytesText(run.cache.size) : `${grouped(run.cache.size)} segments`;
  return run.cache.fraction === null ? size : `${percent(run.cache.fraction)} (${size})`;
}

/** An amount of money, signed, with as many digits as it has to say. */
export function amountText(amount: number): string {
  const digits = Math.abs(amount) >= 1 ? 2 : 4;
  return `${amount >= 0 ? '+' : '\u2212'}${Math.abs(amount).toFixed(digits)}`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function moreOrFewer(share: number, what: string): string {
  return `${percent(Math.abs(share))} ${share >= 0 ? 'more' : 'fewer'} ${what}`;
}

export function waitText(wait: number, run: Pick<RunResult, 'latencyUnit'>): string {
  return `${Number(wait.toPrecision(3))} ${run.latencyUnit === 'ms' ? 'ms' : 'accesses'}`;
}

/** A whole number with its thousands set apart; written here because locales differ between machines. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
