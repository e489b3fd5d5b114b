/** What a replay means, in plain words: what was gained, what it cost, and when not to turn it on. */

import type { RunResult } from '../replay/result.ts';
import { bytesText } from './table.ts';

/** The judgement over one trace at one cache size. */
export interface Verdict {
  readonly trace: string;
  /** `yes`: worth its price here; `no`: not; `none`: the engine was not among the prefetchers. */
  readonly answer: 'yes' | 'no' | 'none';
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
  const where = `${first.trace}, cache of ${cacheText(first)}`;
  const engine = best(runs.filter((run) => run.prefetch === 'anteroom'));
  if (engine === undefined) {
    return { trace: first.trace, answer: 'none', headline: `${where}: the engine was not replayed`, details: [] };
  }
  const gain = engine.baselineMisses === 0 ? 0 : 1 - engine.misses / engine.baselineMisses;
  const isWorthIt = gain >= GAIN_MIN && (engine.netBenefit ?? 0) > 0 && (engine.latencyRatio ?? 0) <= 1;
  const details = [gainSentence(engine, gain), costSentence(engine)];
  if (engine.late > 0) details.push(latenessSentence(engine));
  const rival = best(runs.filter((run) => run.prefetch !== 'anteroom' && run.prefetch !== 'none' && !isBound(run)));
  if (rival !== undefined) details.push(rivalSentence(engine, rival));
  details.push(warningSentence(engine, gain, isWorthIt));
  return {
    trace: first.trace,
    answer: isWorthIt ? 'yes' : 'no',
    headline: isWorthIt
      ? `${where}: prefetching avoids ${percent(gain)} of the misses`
      : `${where}: do not turn this on`,
    details,
  };
}

function gainSentence(run: RunResult, gain: number): string {
  const before = percent(run.accesses === 0 ? 0 : run.baselineMisses / run.accesses);
  const after = percent(run.missRatio ?? 0);
  const change = gain >= 0 ? `${percent(gain)} fewer` : `${percent(-gain)} more`;
  const wait =
    run.latencyRatio === null || run.latencyMs.mean === null
      ? ''
      : ` The mean wait is ${waitText(run.latencyMs.mean, run)}, ${percent(Math.abs(1 - run.latencyRatio))} ${run.latencyRatio <= 1 ? 'less' : 'more'} than without.`;
  return `Of ${grouped(run.accesses)} accesses, ${before} missed without prefetching and ${after} with it: ${change} misses.${wait}`;
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
  return `The best published prefetcher replayed beside it, ${rival.prefetch} on ${rival.evictUsed}, had ${grouped(rival.misses)} misses at ${moreOrFewer((rival.trafficRatio ?? 1) - 1, 'requests')}; the engine had ${side}.`;
}

function warningSentence(run: RunResult, gain: number, isWorthIt: boolean): string {
  if (!isWorthIt) {
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

/** Offline bounds see the future; nobody can choose them. */
function isBound(run: RunResult): boolean {
  return run.prefetch.startsWith('clairvoyant') || run.evictUsed === 'belady';
}

export function cacheText(run: RunResult): string {
  const size = run.cache.unit === 'bytes' ? bytesText(run.cache.size) : `${grouped(run.cache.size)} segments`;
  return run.cache.fraction === null ? size : `${percent(run.cache.fraction)} (${size})`;
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
