/** The governor in the report: what bounded prefetching, how much room was left, and who was throttled. */

import type { RunResult } from '../replay/result.ts';
import { escapeHtml } from './escape-html.ts';
import { type GovernedRun, isGoverned, liftText, throttledOf } from './governor-text.ts';
import { cacheText, countedText, grouped, percent } from './words.ts';

const headings = [
  'most misses above it',
  'bound',
  'misses still allowed',
  'requests still allowed',
  'refused to keep the bound',
  'refused by the traffic bound',
  'avoid a miss, by the holdout',
];

/** A table with a row for each run of the engine, and what it says of experts and consumers; empty without such a run. */
export function governorSection(runs: readonly RunResult[]): string {
  const governed = runs.filter(isGoverned);
  if (governed.length === 0) return '';
  const head = ['cache', 'eviction', 'traffic'].map((heading) => `<th class="text">${heading}</th>`).join('');
  const figures = headings.map((heading) => `<th>${heading}</th>`).join('');
  const { ghost } = governed[0]!.governor;
  return `<figure class="wide governor"><figcaption><strong>How prefetching was bounded</strong> ${escapeHtml(introduction(governed[0]!))}</figcaption><div class="scroll"><table class="runs"><thead><tr>${head}${figures}</tr></thead><tbody>${governed.map(rowOf).join('')}</tbody></table></div>${expertsText(governed)}${consumersText(governed)}${ghost.kind === 'sampled' ? `<p class="soft">${escapeHtml(sampleText(governed[0]!))}</p>` : ''}</figure>`;
}

function introduction({ governor }: GovernedRun): string {
  const { missBound, ghost } = governor;
  const beside = 'Beside every run the same cache runs without prefetching, as a ghost.';
  const bound =
    missBound === null
      ? 'Misses are not bounded.'
      : `After every access misses may stand at most ${percent(missBound.excessMax)} and ${countedText(missBound.allowance, 'miss', 'misses')} above it; what could break that is refused.`;
  const holdout =
    governor.lift === null
      ? ''
      : ' Some prefetches are withheld by chance: the share of these that was asked for in time is what a prefetch is worth, with its interval at 95 %.';
  return `${beside} ${ghost.kind === 'sampled' ? `It watches ${percent(ghost.rate)} of the segments. ` : ''}${bound}${holdout}`;
}

function rowOf(run: GovernedRun): string {
  const { governor, refusals } = run;
  const { missBound } = governor;
  const budget = refusals.budget ?? 0;
  const cells = [
    missBound === null ? '–' : grouped(Math.round(run.missExcess)),
    missBound === null
      ? 'none'
      : missBound.breaches === 0
        ? 'kept'
        : `passed ${countedText(missBound.breaches, 'time')}`,
    missBound === null ? '–' : wholeText(missBound.slack),
    governor.trafficHeadroom === null ? 'no bound' : wholeText(Math.max(0, governor.trafficHeadroom)),
    countAndShare(throttledOf(run), run),
    countAndShare(budget, run),
    liftText(governor),
  ];
  const names = [cacheText(run), run.evictUsed, run.trafficMax === null ? 'by price' : `≤${run.trafficMax}`];
  return `<tr>${names.map((name) => `<td class="text">${escapeHtml(name)}</td>`).join('')}${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
}

/** Rounded down: half a request is none. */
function wholeText(value: number): string {
  return value < 0 ? `-${grouped(Math.ceil(-value))}` : grouped(Math.floor(value));
}

function countAndShare(count: number, run: GovernedRun): string {
  const all = count + run.prefetches.issued;
  return all === 0 ? '0' : `${grouped(count)} (${percent(count / all)})`;
}

function expertsText(runs: readonly GovernedRun[]): string {
  const items = runs.flatMap((run) =>
    run.governor.experts
      .filter(({ turnedOff }) => turnedOff > 0)
      .map(
        (expert) =>
          `<li>${escapeHtml(`${expert.name} (${cacheText(run)}${run.trafficMax === null ? '' : `, ≤${run.trafficMax}`}): turned off ${countedText(expert.turnedOff, 'time')}, on again ${countedText(expert.turnedOn, 'time')}; ${expert.isOff ? 'off' : 'on'} at the end, ${grouped(expert.refused)} of its prefetches were not sent`)}</li>`,
      ),
  );
  if (items.length === 0) return '<p>No expert was turned off: what each sent was used about as often as it said.</p>';
  return `<p>Experts that were used less often than they said:</p><ul>${items.join('')}</ul>`;
}

function consumersText(runs: readonly GovernedRun[]): string {
  const counts = runs.flatMap(({ governor }) => (governor.consumers === null ? [] : [governor.consumers]));
  if (counts.length === 0) return '';
  const doubted = Math.max(...counts.map((each) => each.doubted));
  const known = Math.max(...counts.map((each) => each.known));
  const lowered = Math.max(...counts.map((each) => each.lowered));
  if (known <= 1) return '';
  const none = `None of the ${grouped(known)} consumers with a record was doubted`;
  const why = 'because what was fetched for them was used less than half as often as forecast';
  const forecasts = countedText(lowered, 'forecast was', 'forecasts were');
  const text =
    lowered === 0
      ? `${none}.`
      : doubted === 0
        ? `${none} at the end of a run; up to ${forecasts} lowered before that, ${why}.`
        : `Of ${countedText(known, 'consumer')} with a record up to ${grouped(doubted)} ${doubted === 1 ? 'was' : 'were'} doubted at the end of a run, ${why}; up to ${forecasts} lowered for it.`;
  return `<p>${escapeHtml(text)}</p>`;
}

function sampleText({ governor }: GovernedRun): string {
  const { ghost } = governor;
  const kept = ghost.isEstimate
    ? `the bounds are aimed at ${percent(ghost.confidence!)} confidence, which is not shown for this eviction: its miniature may part from the whole, on loops near the cache's size above all. A whole ghost keeps them on every input.`
    : `the bounds are kept at ${percent(ghost.confidence!)} confidence.`;
  return `The ghost is a sample, so what is said of it is an estimate, and ${kept}`;
}
