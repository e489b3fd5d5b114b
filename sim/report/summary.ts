/** What a replay means, in plain words: what was gained, what it cost, and when not to turn it on. */

import type { RunResult } from '../replay/result.ts';
import { areTimesUnreliable } from '../replay/trace-warnings.ts';
import { baselineOf, best, type Comparison, compare, referenceOf } from './comparison.ts';
import { refusingAdvice, refusingClause, refusingSetting } from './own-limits.ts';
import { queueingSentence } from './queueing.ts';
import { amountText, cacheText, countedText, grouped, moreOrFewer, percent, waitText } from './words.ts';

export { amountText, cacheText, grouped, percent, waitText } from './words.ts';

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
/** Extra requests, over the same eviction without prefetching, that someone who runs the origin wants to be told of. */
const REQUESTS_ADDED_NOTED = 0.05;

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

/** A run of the engine, judged beside the runs of its group. */
interface Judged {
  readonly run: RunResult;
  /** The same eviction without prefetching. */
  readonly baseline: RunResult;
  /** What prefetching adds to it. */
  readonly added: Comparison;
  /** An eviction that is worth more without any prefetching. */
  readonly betterAlone: RunResult | undefined;
}

function verdictOf(runs: readonly RunResult[]): Verdict {
  const first = runs[0]!;
  const where = { trace: first.trace, cache: cacheText(first) };
  const run = best(runs.filter((candidate) => candidate.prefetch === 'anteroom' && candidate.evictUsed !== 'belady'));
  const baseline = run === undefined ? undefined : baselineOf(run, runs);
  if (run === undefined || baseline === undefined) {
    return { ...where, answer: 'none', headline: 'not judged, the engine was not among the prefetchers', details: [] };
  }
  const judged: Judged = { run, baseline, added: compare(run, baseline), betterAlone: betterAlone(run, runs) };
  const reason = refusalOf(judged);
  const reference = referenceOf(run, runs);
  const details: string[] = [];
  // Before any figure that rests on them.
  if (run.latencyUnit === 'ms' && areTimesUnreliable(run.clampedTimes, run.log.accesses)) {
    details.push(
      `${percent(run.clampedTimes / run.log.accesses)} of the times in this log went backwards and were clamped: waits and money here are unreliable. Sort the log, or count in accesses with --latency 8req.`,
    );
  }
  const queueing = queueingSentence([baseline]);
  if (queueing !== '') details.push(queueing);
  if (reference !== undefined && baseline !== reference) details.push(evictionSentence(baseline, reference));
  details.push(gainSentence(judged), costSentence(judged));
  if (run.late > 0) details.push(latenessSentence(run));
  const rival = best(runs.filter(isRival));
  if (rival !== undefined) details.push(rivalSentence(run, rival, runs));
  details.push(reason === null ? whenNot(judged) : reason.sentence);
  return {
    ...where,
    answer: reason === null ? 'yes' : 'no',
    headline: reason === null ? gainHeadline(judged) : `do not turn this on: ${reason.clause}`,
    details,
  };
}

/** All of a verdict in one line, for a terminal. */
export function verdictLine(verdict: Verdict, traceName: string): string {
  return `${traceName}, cache of ${verdict.cache}: ${verdict.headline}`;
}

function gainHeadline({ run, added }: Judged): string {
  const p99 = added.p99WaitSaved === null ? '' : ` (p99 ${lessOrMore(added.p99WaitSaved)})`;
  const wait = added.meanWaitSaved === null ? '' : ` and ${percent(added.meanWaitSaved)} of the mean wait${p99}`;
  return `avoids ${percent(added.missesSaved ?? 0)} of the misses${wait} of ${run.evictUsed} alone, ${priceText(added)}`;
}

/** `for 6 % more requests and 5 % more bytes`. */
function priceText(added: Comparison): string {
  const parts = [moreOrFewer(added.requestsAdded ?? 0, 'requests')];
  if (added.bytesAdded !== null) parts.push(moreOrFewer(added.bytesAdded, 'bytes'));
  const isSaving = (added.requestsAdded ?? 0) <= 0 && (added.bytesAdded ?? 0) <= 0;
  return `${isSaving ? 'with' : 'for'} ${parts.join(' and ')}`;
}

function lessOrMore(saved: number): string {
  if (percent(Math.abs(saved)) === '0 %') return 'unchanged';
  return saved > 0 ? `${percent(saved)} less` : `${percent(-saved)} more`;
}

/** Why the engine is not worth turning on: as a clause and as a sentence; null where it is. */
function refusalOf(judged: Judged): { readonly clause: string; readonly sentence: string } | null {
  const { run, baseline, added } = judged;
  const gain = added.missesSaved ?? 0;
  if (run.accesses === 0) {
    return {
      clause: 'nothing was counted, so nothing was shown',
      sentence: 'No access was counted: the warm-up is as long as the log, or no row is a demand.',
    };
  }
  if (baseline.misses === 0) {
    return { clause: 'nothing is missed without it', sentence: 'This cache misses nothing as it is.' };
  }
  if (run.prefetches.issued === 0 && baseline.hits === 0 && isTooSmall(run)) {
    return {
      clause: 'this cache is too small for what is asked for',
      sentence: 'The mean access is larger than what this cache could hold early: try a larger --cache.',
    };
  }
  const isSampled = run.governor?.ghost.kind === 'sampled';
  const setting = refusingSetting((name) => run.refusals[name] ?? 0, run.prefetches.issued, isSampled);
  if (setting !== null && gain >= -GAIN_MIN && gain < GAIN_MIN) {
    return { clause: refusingClause(setting), sentence: refusingAdvice };
  }
  if (run.prefetches.issued === 0) {
    return {
      clause: 'it found nothing worth fetching early',
      sentence: 'There is too little here that can be predicted.',
    };
  }
  if (gain < -GAIN_MIN) {
    return {
      clause: `it would cause ${percent(-gain)} more misses`,
      sentence: 'What it fetches displaces what would have been hit.',
    };
  }
  if (gain < GAIN_MIN) {
    return {
      clause: 'too little here can be predicted',
      sentence:
        'There is too little here that can be predicted: the misses it avoids do not repay another moving part.',
    };
  }
  if ((added.meanWaitSaved ?? 0) < 0) {
    return {
      clause: 'it avoids misses, but people would wait longer',
      sentence: 'It avoids misses but makes people wait longer, because its fetches take slots from theirs.',
    };
  }
  if ((run.netBenefit ?? 0) <= 0) {
    return {
      clause: 'it costs more than it saves, at the prices given',
      sentence:
        'The time it saves is worth less than the requests and bytes it costs, at the prices given; with other prices the answer may differ.',
    };
  }
  if (judged.betterAlone !== undefined) {
    const { evictUsed } = judged.betterAlone;
    return {
      clause: `${evictUsed} without prefetching is worth more`,
      sentence: `Among the evictions replayed, ${evictUsed} without prefetching does better than the engine does on ${run.evictUsed}.`,
    };
  }
  return null;
}

/** Whether the mean access would not fit into what may be staged, half of the cache by default. */
function isTooSmall(run: RunResult): boolean {
  const isRefused = (run.refusals.tooLarge ?? 0) > 0;
  return (
    isRefused || (run.cache.unit === 'bytes' && run.bytes !== null && run.bytes / run.accesses > run.cache.size / 2)
  );
}

function betterAlone(run: RunResult, runs: readonly RunResult[]): RunResult | undefined {
  const alone = best(runs.filter((other) => other.prefetch === 'none' && other.evictUsed !== 'belady'));
  const lead = (alone?.netBenefitOverReference ?? 0) - (run.netBenefitOverReference ?? 0);
  return lead > 0 && alone?.evictUsed !== run.evictUsed ? alone : undefined;
}

/** What the eviction alone does. Prefetching must not take the credit for it. */
function evictionSentence(baseline: RunResult, reference: RunResult): string {
  const change = compare(baseline, reference);
  return `Changing the eviction alone, from lru to ${baseline.evictUsed}, ${changeText(change)}, ${priceText(change)}${worthText(change.benefit)}. None of that is prefetching.`;
}

function changeText(change: Comparison): string {
  const gain = change.missesSaved ?? 0;
  const misses = gain >= 0 ? `avoids ${percent(gain)} of the misses` : `causes ${percent(-gain)} more misses`;
  if (change.meanWaitSaved === null) return misses;
  const p99 = change.p99WaitSaved === null ? '' : `, at the 99th percentile ${lessOrMore(change.p99WaitSaved)}`;
  return `${misses} (mean wait ${lessOrMore(change.meanWaitSaved)}${p99})`;
}

function worthText(benefit: number | null): string {
  return benefit === null ? '' : `, worth ${amountText(benefit)} over this log`;
}

function gainSentence({ run, baseline, added }: Judged): string {
  const gain = added.missesSaved ?? 0;
  const change = gain >= 0 ? `${percent(gain)} fewer` : `${percent(-gain)} more`;
  const wait =
    added.meanWaitSaved === null || baseline.latencyMs.mean === null || run.latencyMs.mean === null
      ? ''
      : ` The mean wait goes from ${waitText(baseline.latencyMs.mean, run)} to ${waitText(run.latencyMs.mean, run)} (${lessOrMore(added.meanWaitSaved)})${p99Text(run, baseline, added)}.`;
  const worth =
    run.netBenefit === null || run.prefetches.issued === 0
      ? ''
      : ` Time saved less what requests, bytes and space cost comes to ${amountText(run.netBenefit)} over this log, in the currency of the prices${run.bytes === null ? '; the log has no sizes, so bytes cost nothing in this sum' : ''}.`;
  return `Of ${countedText(run.accesses, 'access', 'accesses')}, ${percent(baseline.missRatio ?? 0)} missed with ${run.evictUsed} without prefetching and ${percent(run.missRatio ?? 0)} with it: ${change} misses.${wait}${worth}`;
}

function p99Text(run: RunResult, baseline: RunResult, added: Comparison): string {
  if (added.p99WaitSaved === null) return '';
  const before = waitText(baseline.latencyMs.p99 ?? 0, run);
  const change = lessOrMore(added.p99WaitSaved);
  const after = waitText(run.latencyMs.p99 ?? 0, run);
  const p99 = change === 'unchanged' ? `stays at ${after}` : `goes from ${before} to ${after} (${change})`;
  return `; that of the slowest in a hundred ${p99}`;
}

function costSentence({ run, added }: Judged): string {
  const { issued, useful, late, wasted } = run.prefetches;
  if (issued === 0) return 'Nothing was prefetched, so it cost nothing.';
  const wastedText = `${grouped(wasted)} ${wasted === 1 ? 'was' : 'were'} wasted`;
  const requests =
    added.requestsAdded === null ? '' : ` The origin served ${moreOrFewer(added.requestsAdded, 'requests')}`;
  const bytes = added.bytesAdded === null ? '' : ` and ${moreOrFewer(added.bytesAdded, 'bytes')}`;
  const against =
    requests === '' ? '' : `${requests}${bytes} than with ${run.evictUsed} without prefetching${overLru(run)}.`;
  return `${countedText(issued, 'prefetch was', 'prefetches were')} sent; ${percent((useful + late) / issued)} of them were used, ${wastedText}.${against}`;
}

/** The bound of `--traffic-max` counts against LRU, so that figure is said too. */
function overLru(run: RunResult): string {
  if (run.trafficRatio === null || run.evictUsed === 'lru') return '';
  return ` (${moreOrFewer(run.trafficRatio - 1, 'requests')} than LRU, which is what --traffic-max bounds)`;
}

function latenessSentence(run: RunResult): string {
  const used = run.prefetches.useful + run.prefetches.late;
  return `${percent(run.prefetches.late / used)} of the used prefetches were still on their way when they were asked for; they shortened the wait but did not end it.`;
}

function rivalSentence(run: RunResult, rival: RunResult, runs: readonly RunResult[]): string {
  const baseline = baselineOf(rival, runs);
  const own = baseline === undefined ? null : compare(rival, baseline).requestsAdded;
  const traffic = own === null ? '' : ` for ${moreOrFewer(own, 'requests')} than that eviction alone`;
  const difference = rival.misses === 0 ? 0 : 1 - run.misses / rival.misses;
  const side = difference >= 0 ? `${percent(difference)} fewer` : `${percent(-difference)} more`;
  return `The best published prefetcher replayed beside it, ${rival.prefetch} on ${rival.evictUsed}, had ${countedText(rival.misses, 'miss', 'misses')}${traffic}; the engine had ${side} misses than that.`;
}

function whenNot({ run, added }: Judged): string {
  if ((added.requestsAdded ?? 0) > REQUESTS_ADDED_NOTED) {
    return `Do not turn it on where the origin cannot carry ${moreOrFewer(added.requestsAdded!, 'requests')} than with ${run.evictUsed} alone, or lower --traffic-max.`;
  }
  return 'Do not turn it on if your log is not typical of the weeks to come: replay another one first.';
}

/** A published prefetcher that did something. Offline bounds see the future; nobody can choose them. */
function isRival(run: RunResult): boolean {
  const isOurs = run.prefetch === 'anteroom' || run.prefetch === 'none';
  const isBound = run.prefetch.startsWith('clairvoyant') || run.evictUsed === 'belady';
  return !isOurs && !isBound && run.prefetches.issued > 0;
}
