/** Why misses remained, for the report: one bar a run, a part of it a cause. */

import { type MissClassName, missClassNames } from '../../actors/cache-manager/miss-classes.ts';
import type { RunResult } from '../replay/result.ts';
import { escapeHtml } from './escape-html.ts';
import { cacheText, countedText, grouped, percent } from './words.ts';

/** What each class of misses means, for whoever has not read the manual. */
export const missClassTexts: Readonly<Record<MissClassName, string>> = {
  unseen: 'never asked for before',
  late: 'predicted, but on its way or waiting for a slot',
  evicted: 'staged and evicted before it was used, or crowded out before it was sent',
  throttled: 'predicted, but the bound on misses, a cap, the policy, lost trust or the holdout refused it',
  overBudget: 'predicted, but not worth its price or beyond the bound on traffic',
  unpredicted: 'not predicted',
};

/** Misses that the eviction alone would not have had. */
export const DISPLACED_TEXT =
  'hits without prefetching: they had to leave for something staged, or by an eviction told of forecasts';

/** A figure with a bar for each of the runs that missed anything; empty where none did. */
export function missCausesFigure(runs: readonly RunResult[]): string {
  const bars = runs.filter((run) => run.misses > 0).map(barOf);
  if (bars.length === 0) return '';
  const legend = [...missClassNames.map((name) => missClassTexts[name]), DISPLACED_TEXT].map(
    (text, i) => `<li><span class="swatch" style="background:var(--c${i})"></span>${escapeHtml(text)}</li>`,
  );
  return `<figure class="wide"><figcaption><strong>Why misses remained</strong> Each miss that is left has one cause. What was never asked for before no predictor of order can know; <code>anteroom explain</code> tells the story of one segment.</figcaption><div class="causes">${bars.join('')}</div><ul class="legend">${legend.join('')}</ul></figure>`;
}

function barOf(run: RunResult): string {
  const counts = missClassNames.map((name) => run.missClasses[name] ?? 0);
  const displaced = run.misses - counts.reduce((sum, count) => sum + count, 0);
  const texts = [...missClassNames.map((name) => missClassTexts[name]), DISPLACED_TEXT];
  const parts = [...counts, displaced].map((count, i) => {
    if (count <= 0) return '';
    const share = count / run.misses;
    const title = `${grouped(count)} (${percent(share)}): ${texts[i]}`;
    const label = share >= 0.06 ? percent(share) : '';
    return `<span style="flex-grow:${count};background:var(--c${i})" title="${escapeHtml(title)}">${label}</span>`;
  });
  const bound = run.trafficMax === null ? '' : ` ≤${run.trafficMax}`;
  return `<div><p>${escapeHtml(`${cacheText(run)}, ${run.evict}${bound}: ${countedText(run.misses, 'miss', 'misses')} left, ${grouped(run.baselineMisses)} without prefetching`)}</p><div class="bar">${parts.join('')}</div></div>`;
}
