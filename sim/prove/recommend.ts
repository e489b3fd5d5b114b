/** The recommendation of a proof: turn it on, or an honest no with its reason. */

import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import { Refusal } from '../../actors/cache-manager/ledger.ts';
import type { RunResult } from '../replay/result.ts';
import { refusingAdvice, refusingClause, refusingSetting } from '../report/own-limits.ts';
import { amountText, percent, waitText } from '../report/words.ts';
import type { Interval, Level } from './block-bootstrap.ts';
import { partText } from './parts.ts';
import type { BudgetProof, PartProof, Reason, Recommendation } from './proof.ts';

/** Extra requests that someone who runs the origin wants to be told of. */
const REQUESTS_ADDED_NOTED = 0.05;

/** Fewer avoided misses than this share are not worth another moving part. */
export const GAIN_MIN = 0.01;

export interface Case {
  /** The chosen bound. */
  readonly budget: BudgetProof;
  /** Of the run under that bound, and of the same eviction alone. */
  readonly ledger: Ledger;
  readonly baseline: Ledger;
  /** All bounds that were tried. */
  readonly budgets: readonly BudgetProof[];
  readonly parts: readonly PartProof[];
  readonly evictUsed: string;
  readonly cache: RunResult['cache'];
  /** Whether the log has sizes; without, bytes cost nothing. */
  readonly hasBytes: boolean;
  readonly baselineLatencyMs: RunResult['latencyMs'];
  readonly latencyUnit: 'ms' | 'requests';
  /** What an avoided miss is taken to be worth where waits have no milliseconds. */
  readonly missPenaltyMs: number;
  /** Whether the bound on misses goes by a sample of the ghost. */
  readonly isSampled: boolean;
  readonly isLongEnough: boolean;
  readonly timesAreUnreliable: boolean;
  readonly level: Level;
}

/** It is a yes only where the lower end of the interval of the net benefit lies above zero, and nobody waits longer. */
export function recommend(argument: Case): Recommendation {
  const reason = reasonOf(argument);
  const isYes = reason === 'worth-it';
  const { budget } = argument;
  return {
    answer: isYes ? 'turn-on' : 'do-not',
    reason,
    trafficMax: isYes ? budget.trafficMax : null,
    headline: isYes ? headlineOf(argument) : `do not turn this on: ${clauseOf(reason, argument)}`,
    sentences: isYes ? yesSentences(argument) : [whyNot(reason, argument), ...hints(reason, argument)],
  };
}

function reasonOf(argument: Case): Reason {
  const { budget, baseline, isLongEnough, timesAreUnreliable } = argument;
  const { missesSaved, waitSaved, benefitPerMillion } = budget.effect;
  if (!isLongEnough) return 'too-short';
  if (timesAreUnreliable) return 'times-unreliable';
  if (baseline.misses === 0 || missesSaved.estimate === null) return 'nothing-missed';
  const isLittle = Math.abs(missesSaved.estimate) < GAIN_MIN;
  if (budget.issued === 0 && isTooSmall(argument)) return 'cache-too-small';
  if (isLittle && settingOf(argument) !== null) return 'refused-by-settings';
  if (budget.issued === 0) return 'nothing-predicted';
  if ((benefitPerMillion.high ?? 0) <= 0) return 'costs-more';
  if ((missesSaved.estimate ?? 0) < GAIN_MIN) return 'too-little';
  if ((waitSaved.estimate ?? 0) < 0) return 'waits-longer';
  return (benefitPerMillion.low ?? 0) > 0 ? 'worth-it' : 'not-certain';
}

/** The setting that kept it from fetching, if one did. */
function settingOf({ ledger, isSampled }: Case): string | null {
  return refusingSetting((name) => ledger.refusals[Refusal[name]]!, ledger.issued, isSampled);
}

/** Whether what was proposed, or the mean access, would not fit into what may be staged: half of the cache by default. */
function isTooSmall({ ledger, cache }: Case): boolean {
  if (ledger.refusals[Refusal.tooLarge]! > 0) return true;
  return cache.unit === 'bytes' && ledger.bytesAccessed > (cache.size / 2) * ledger.accesses;
}

/** Another bound that the judging half speaks for: seen only there, so not proven. */
function hints(reason: Reason, { budget, budgets }: Case): string[] {
  if (reason !== 'not-certain' && reason !== 'costs-more' && reason !== 'too-little') return [];
  const better = budgets.find(
    ({ effect, trafficMax }) =>
      trafficMax !== budget.trafficMax &&
      (effect.benefitPerMillion.low ?? 0) > 0 &&
      (effect.missesSaved.low ?? 0) >= GAIN_MIN,
  );
  if (better === undefined) return [];
  const { trafficMax } = better;
  const bound = trafficMax === null ? 'no bound on traffic' : `--traffic-max ${trafficMax}`;
  return [
    `On the half of the log that judges ${bound} would have paid, ${rangeText(better.effect.benefitPerMillion, amountText)} for a million accesses, but the other half did not choose it: a hint, not a proof. Prove that bound alone on another log.`,
  ];
}

function clauseOf(reason: Reason, argument: Case): string {
  return reason === 'refused-by-settings' ? refusingClause(settingOf(argument)!) : clauses[reason];
}

const clauses: Readonly<Record<Exclude<Reason, 'refused-by-settings'>, string>> = {
  'worth-it': '',
  'too-short': 'the log is too short to tell',
  'times-unreliable': 'the times of this log cannot be relied on',
  'nothing-missed': 'nothing is missed without it',
  'cache-too-small': 'what it would fetch early does not fit into this cache',
  'nothing-predicted': 'it found nothing worth fetching early',
  'too-little': 'too little here can be predicted',
  'waits-longer': 'it avoids misses, but people would wait longer',
  'costs-more': 'it costs more than it saves, at the prices given',
  'not-certain': 'the log does not show for certain that it pays',
};

function whyNot(reason: Reason, { budget, level }: Case): string {
  const { missesSaved, benefitPerMillion } = budget.effect;
  switch (reason) {
    case 'too-short':
      return 'Intervals need at least twenty blocks of sixteen accesses in the part that judges: prove it on a longer log.';
    case 'times-unreliable':
      return 'Too many times went backwards and were clamped, so what is waited for is not known: sort the log, or count fetches in accesses with --latency 8req.';
    case 'nothing-missed':
      return 'Without prefetching nothing was missed in the part that judges; there is nothing to gain.';
    case 'cache-too-small':
      return 'What is asked for is larger than what this cache could hold early: try a larger --cache.';
    case 'refused-by-settings':
      return refusingAdvice;
    case 'nothing-predicted':
      return isChanged(budget)
        ? 'Nothing was prefetched in the part that counts; what differs below is the eviction, which is told what is forecast.'
        : 'Nothing was prefetched in the part that counts, so it would cost nothing and save nothing.';
    case 'too-little':
      return `It saves ${rangeText(missesSaved, percent)} of the misses: too few to repay another moving part.`;
    case 'waits-longer':
      return 'Its fetches take slots from those that people wait for.';
    case 'costs-more':
      return `The net benefit of a million accesses is ${rangeText(benefitPerMillion, amountText)} at ${percent(Number(level))} confidence: at other prices (--config) the answer may differ.`;
    default:
      return `The net benefit of a million accesses is ${rangeText(benefitPerMillion, amountText)} at ${percent(Number(level))} confidence, and its lower end is not above zero: prove it on a longer log.`;
  }
}

/** Whether anything differs from the eviction alone. */
function isChanged({ effect }: BudgetProof): boolean {
  return Object.values(effect).some(({ estimate, low, high }) =>
    [estimate, low, high].some((value) => (value ?? 0) !== 0),
  );
}

function headlineOf({ budget, evictUsed }: Case): string {
  const { missesSaved, waitSaved, requestsAdded, bytesAdded } = budget.effect;
  const bound = budget.trafficMax === null ? 'without a bound on traffic' : `with --traffic-max ${budget.trafficMax}`;
  const wait = waitSaved.estimate === null ? '' : ` and ${percent(waitSaved.estimate)} of the mean wait`;
  const bytes = bytesAdded.estimate === null ? '' : ` and ${addedText(bytesAdded.estimate)} bytes`;
  return `turn it on ${bound}: saves ${percent(missesSaved.estimate ?? 0)} of the misses${wait} of ${evictUsed} alone, for ${addedText(requestsAdded.estimate ?? 0)} requests${bytes}`;
}

function yesSentences(argument: Case): string[] {
  const { budget, parts, baselineLatencyMs, latencyUnit, level } = argument;
  const { missesSaved, benefitPerMillion } = budget.effect;
  const sentences = [
    `At ${percent(Number(level))} confidence it saves ${rangeText(missesSaved, percent)} of the misses, and ${rangeText(benefitPerMillion, amountText)} for a million accesses once requests, bytes and space are paid, at the prices given.`,
  ];
  const { requestsAdded } = budget.effect;
  if ((requestsAdded.estimate ?? 0) > REQUESTS_ADDED_NOTED) {
    const lru =
      budget.trafficMax !== null && argument.evictUsed !== 'lru'
        ? `; --traffic-max bounds them against LRU of the same size, here they are counted against ${argument.evictUsed} alone`
        : '';
    sentences.push(`The origin must carry ${rangeText(requestsAdded, percent)} more requests${lru}.`);
  }
  if (latencyUnit === 'requests') {
    sentences.push(
      `Fetches are counted in accesses here, so money rests on an assumption: each avoided miss is taken to spare ${argument.missPenaltyMs} ms of waiting (missPenaltyMs).`,
    );
  }
  if (!argument.hasBytes) sentences.push('The log has no sizes, so bytes cost nothing in this sum.');
  const before = baselineLatencyMs.p99;
  const after = budget.latencyMs.p99;
  if (latencyUnit === 'ms' && budget.effect.waitSaved.estimate !== null && before !== null && after !== null) {
    const worse = after > 1.01 * before ? ' Mind that: the slowest get slower.' : '';
    sentences.push(
      `Of a hundred accesses the slowest waits ${waitText(before, { latencyUnit })} without and ${waitText(after, { latencyUnit })} with it.${worse}`,
    );
  }
  const off = parts.filter((part) => part.answer === 'off');
  if (off.length > 0) {
    const names = off.slice(0, 3).map((part) => partText(part));
    const more = off.length > names.length ? ` and ${off.length - names.length} more` : '';
    sentences.push(`Leave it off for ${names.join(', ')}${more}: by itself that part does not repay its prefetches.`);
  }
  sentences.push('This holds as long as the weeks to come are like this log: prove it again when they are not.');
  return sentences;
}

/** `4.1 % to 6.3 %`. */
function rangeText({ low, high }: Interval, textOf: (value: number) => string): string {
  return low === null || high === null ? 'nothing that can be told' : `${textOf(low)} to ${textOf(high)}`;
}

/** `6 % more`, `3 % fewer`, `no more`. */
function addedText(share: number): string {
  if (percent(Math.abs(share)) === '0 %') return 'no more';
  return `${percent(Math.abs(share))} ${share > 0 ? 'more' : 'fewer'}`;
}
