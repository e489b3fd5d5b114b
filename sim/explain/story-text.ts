/** A story in the terminal. */

import type { RefusalName } from '../../actors/cache-manager/ledger.ts';
import type { MissClassName } from '../../actors/cache-manager/miss-classes.ts';
import { refusalTexts } from '../../actors/cache-manager/refusal-texts.ts';
import type { Evidence } from '../../actors/prefetcher.ts';
import { printable } from '../../engine/printable.ts';
import { DISPLACED_TEXT, missClassTexts } from '../report/miss-causes.ts';
import { cacheText, countedText, grouped, percent } from '../report/words.ts';
import type { DemandEvent, ForecastEvent, LogStory, SegmentStory, StoryEvent, StoryRun } from './story.ts';

export function storyText(story: SegmentStory | LogStory): string {
  return 'segment' in story ? segmentText(story) : logText(story);
}

function runText(run: StoryRun): string {
  const bound = run.trafficMax === null ? 'no bound on traffic' : `--traffic-max ${run.trafficMax}`;
  const latency = run.latency === '0' ? 'no time' : run.latency;
  const name = run.trace === '-' ? '<stdin>' : run.trace;
  return `${name}: cache of ${cacheText(run)}, ${run.evict}, anteroom, ${bound}, fetches take ${latency}; digest ${run.digest}`;
}

/** Characters of a name in a text; the JSON has the whole. */
const NAME_SHOWN_MAX = 400;

function shown(name: string): string {
  return printable(name, NAME_SHOWN_MAX);
}

function segmentText(story: SegmentStory): string {
  const { demands, hits, misses, avoided, issued, missClasses } = story;
  const left = classList(missClasses, misses);
  const lines = [
    runText(story.run),
    '',
    `${shown(story.segment)}: ${countedText(demands, 'demand')}, ${countedText(hits, 'hit')} (${countedText(avoided, 'miss', 'misses')} avoided by prefetching), ${countedText(misses, 'miss', 'misses')}${left === '' ? '' : ` (${left})`}; ${countedText(issued, 'prefetch', 'prefetches')} sent`,
    '',
    ...story.events.map(eventText),
  ];
  if (story.omitted > 0) {
    const last = story.events.at(-1);
    const goOn =
      last === undefined
        ? ''
        : `, or --from ${(last.kind === 'hits' ? last.lastPosition : last.position) + 1} to go on`;
    lines.push(`… and ${countedText(story.omitted, 'more event')} (--events${goOn})`);
  }
  return `${lines.join('\n')}\n`;
}

function eventText(event: StoryEvent): string {
  const at = grouped(event.position).padStart(12);
  switch (event.kind) {
    case 'demand':
      return `${at}  ${demandText(event)}`;
    case 'hits':
      return `${at}  ${event.count === 1 ? 'a hit' : `${grouped(event.count)} hits up to ${grouped(event.lastPosition)}`}, with and without prefetching`;
    case 'forecast':
      return `${at}  ${forecastText(event)}`;
    case 'outcome':
      return `${at}  ${outcomeText(event.outcome)}`;
  }
}

function outcomeText(outcome: string): string {
  if (outcome === 'sent') return 'a slot came free: prefetch sent';
  if (outcome === 'withdrawn') return 'prefetch withdrawn before it was sent';
  return `prefetch ended: ${outcome}`;
}

function demandText(event: DemandEvent): string {
  const by = event.consumer === null ? 'demanded' : `demanded by ${shown(event.consumer)}`;
  const alone = event.baseline === 'hit' ? 'a hit' : 'a miss';
  switch (event.served) {
    case 'hit':
      return `${by}: hit${event.baseline === 'hit' ? '' : '; without prefetching a miss'}`;
    case 'staged-hit':
      return `${by}: hit on the staged copy; without prefetching ${alone}`;
    case 'late':
      return `${by}: late, waits for the rest of the prefetch; without prefetching ${alone}`;
    case 'miss':
      if (event.missClass !== null) return `${by}: miss, ${missClassTexts[event.missClass]}`;
      return `${by}: miss; without prefetching a hit: it had to leave for something staged, or by an eviction told of forecasts`;
  }
}

function forecastText(event: ForecastEvent): string {
  const { evidence, verdict } = event;
  const said = event.probability === null ? '' : ` at ${percent(event.probability)}`;
  const by = event.consumer === null ? '' : ` (${shown(event.consumer)})`;
  const benefit =
    event.netBenefit === null ? '' : ` for an expected net benefit of ${Number(event.netBenefit.toPrecision(2))}`;
  const when =
    event.after === null
      ? `planned by the far loop${said}${benefit}`
      : `forecast after ${shown(event.after)}${by}${said}`;
  const trust = evidence?.trust ?? 1;
  const doubted =
    trust < 1 ? `, ${percent(trust)} of it believed: what followed this consumer came true less often than said` : '';
  const asked = event.expert === null ? '' : `, asked for by ${event.expert}`;
  const opinions =
    evidence === null
      ? ''
      : ` [${evidence.opinions
          .map(({ expert, probability, trials }) =>
            trials === 0
              ? `${expert} ${percent(probability)} (a guess)`
              : `${expert} ${percent(probability)} of ${trials}`,
          )
          .join(', ')}]`;
  return `${when}${opinions}${doubted}${asked}: ${verdictText(verdict, evidence)}`;
}

function verdictText(verdict: string, evidence: Evidence | null): string {
  switch (verdict) {
    case 'issued':
      // What hints or the far loop ask for has its value from them.
      return evidence === null || evidence.value < 0 ? 'prefetch sent' : `prefetch sent, ${worthText(evidence.value)}`;
    case 'queued':
      return 'waits for a fetch slot';
    case 'below-threshold':
      return evidence === null ? 'not worth a fetch' : `not worth a fetch below ${percent(evidence.threshold)}`;
    default:
      return `refused: ${refusalTexts[verdict as RefusalName] ?? verdict}`;
  }
}

/** Of what a demand for a segment of mean size waits, after what waste costs. */
function worthText(value: number): string {
  return `worth ${Number(value.toPrecision(2))} fetches`;
}

function logText(story: LogStory): string {
  const { baselineMisses, avoided, pollution, misses, missClasses } = story;
  const share = (count: number): string => (misses === 0 ? '-' : percent(count / misses)).padStart(7);
  const line = (count: number, text: string): string => `${grouped(count).padStart(12)} ${share(count)}  ${text}`;
  const lines = [
    runText(story.run),
    '',
    `Without prefetching ${countedText(baselineMisses, 'miss', 'misses')}. Prefetching avoided ${grouped(avoided)} of them and cost ${countedText(pollution, 'new one')}; ${grouped(misses)} are left:`,
    ...(Object.keys(missClassTexts) as MissClassName[]).map((name) => line(missClasses[name], missClassTexts[name])),
    line(pollution, DISPLACED_TEXT),
    ...(story.run.ghost === 'sampled' ? ['Estimated from a sample of the segments, so these need not add up.'] : []),
  ];
  if (story.worst.length > 0) {
    lines.push('', 'Segments with the most misses left (anteroom explain LOG --segment NAME tells their story):');
    for (const { segment, misses: count, missClasses: classes } of story.worst) {
      lines.push(`${grouped(count).padStart(12)}  ${shown(segment)}: ${classList(classes, count)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** `12 unpredicted, 3 late`, most first. */
function classList(classes: Readonly<Record<MissClassName, number>>, total: number): string {
  const words: Readonly<Record<MissClassName, string>> = {
    unseen: 'unseen',
    late: 'late',
    evicted: 'evicted',
    throttled: 'throttled',
    overBudget: 'over budget',
    unpredicted: 'unpredicted',
  };
  const entries = (Object.entries(classes) as [MissClassName, number][]).filter(([, count]) => count > 0);
  const rest = total - entries.reduce((sum, [, count]) => sum + count, 0);
  const parts = entries.sort((a, b) => b[1] - a[1]).map(([name, count]) => `${grouped(count)} ${words[name]}`);
  if (rest > 0) parts.push(`${grouped(rest)} by prefetching itself`);
  return parts.join(', ');
}
