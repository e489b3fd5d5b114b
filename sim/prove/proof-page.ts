/** A proof as one self-contained HTML page: the answers, the bounds and the parts as intervals beside zero. */

import { escapeHtml } from '../report/escape-html.ts';
import { pageStyle } from '../report/page-style.ts';
import { shortTraceNames } from '../report/trace-names.ts';
import { amountText, cacheText, percent } from '../report/words.ts';
import type { Interval } from './block-bootstrap.ts';
import { type ForestRow, forestPlot } from './forest-plot.ts';
import { partText } from './parts.ts';
import type { CacheProof, Effect, ProofResult } from './proof.ts';
import { introduction } from './proof-table.ts';

/** Renders the page. Same proof, same bytes; it needs no script and no network. */
export function proofPage(result: ProofResult, command: string): string {
  const names = shortTraceNames(result.traces.map((trace) => trace.trace));
  const sections = result.traces.map((trace) => {
    const name = names.get(trace.trace)!;
    return `<section><h2>${escapeHtml(name)}</h2><p class="soft">${escapeHtml(introduction(trace, name, result))}</p>${trace.caches.map(cacheArticle).join('\n')}</section>`;
  });
  const titles = result.traces.map((trace) => names.get(trace.trace)!).join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anteroom proof: ${escapeHtml(titles)}</title>
<style>${pageStyle}${proofStyle}</style>
</head>
<body>
<header>
<h1>Would prefetching pay here?</h1>
<p class="soft">Anteroom ${escapeHtml(result.version)}, seed ${result.seed}. The same log is replayed with and without prefetching and compared block by block; what varies between blocks gives the intervals (stationary block bootstrap). Each block is held out: it is served by an engine that has learned only from what came before. The answer is yes only where the lower end of the interval of the net benefit lies above zero.</p>
</header>
<main>
${sections.join('\n')}
<section><h2>How to get this again</h2><pre><code>${escapeHtml(command)}</code></pre></section>
</main>
</body>
</html>
`;
}

function cacheArticle(cache: CacheProof): string {
  const { recommendation, evictionAlone, evictUsed } = cache;
  const kind = recommendation.answer === 'turn-on' ? 'yes' : 'no';
  const badge = `<span class="badge">${kind === 'yes' ? 'turn it on' : 'no'}</span>`;
  const rows: readonly Row[] = cache.budgets.map(({ trafficMax, isChosen, effect }) => ({
    name: `${trafficMax === null ? 'no bound' : `--traffic-max ${trafficMax}`}${isChosen && cache.budgets.length > 1 ? ', chosen' : ''}`,
    isChosen,
    effect,
  }));
  const alone =
    evictionAlone === null
      ? ''
      : `<tr><td class="text">${escapeHtml(evictUsed)} alone, against lru</td>${effectCells(evictionAlone)}</tr>`;
  const article = `<article class="verdict ${kind}"><h3>${badge} ${escapeHtml(`Cache of ${cacheText(cache)}: ${recommendation.headline}`)}</h3>${recommendation.sentences.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')}</article>`;
  if (recommendation.reason === 'too-short') return article;
  return `${article}
<div class="scroll"><table class="runs"><thead><tr><th class="text">against ${escapeHtml(evictUsed)} alone</th>${headings.map((heading) => `<th>${heading}</th>`).join('')}</tr></thead><tbody>${rows.map((row) => `<tr class="${row.isChosen ? 'engine' : ''}"><td class="text">${escapeHtml(row.name)}</td>${effectCells(row.effect)}</tr>`).join('')}${alone}</tbody></table></div>
${cache.budgets.every((budget) => budget.issued === 0) ? '' : figures(cache, rows)}`;
}

interface Row {
  readonly name: string;
  readonly isChosen: boolean;
  readonly effect: Effect;
}

function figures({ parts }: CacheProof, rows: readonly Row[]): string {
  return `<div class="charts">${figure(
    'Net benefit of a million accesses',
    'By bound on traffic, in the currency of the prices. An interval that crosses zero proves nothing.',
    rows.map((row) => forestRow(row.name, row.effect.benefitPerMillion, row.isChosen)),
    amountText,
  )}${figure(
    'Misses saved',
    'By bound on traffic, of the misses of the same eviction without prefetching.',
    rows.map((row) => forestRow(row.name, row.effect.missesSaved, row.isChosen)),
    percent,
  )}${figure(
    'On which part of the traffic',
    'Net benefit of a million accesses of each part under the chosen bound; a part pays for the prefetches that its own accesses set off.',
    parts.map((part) => ({
      ...forestRow(partText(part), part.effect.benefitPerMillion, part.answer === 'on'),
      note: ` (${percent(part.accessShare)})`,
    })),
    amountText,
  )}</div>`;
}

const headings = [
  'hits gained, of accesses',
  'misses saved',
  'mean wait saved',
  'requests added',
  'bytes added',
  'benefit / 1M',
];

function effectCells(effect: Effect): string {
  const cell = ({ estimate, low, high }: Interval, textOf: (value: number) => string): string =>
    estimate === null || low === null || high === null
      ? '<td>–</td>'
      : `<td>${escapeHtml(textOf(estimate))}<small>${escapeHtml(`${textOf(low).replace(/ %$/, '')} to ${textOf(high)}`)}</small></td>`;
  return [
    cell(effect.hitsGained, percent),
    cell(effect.missesSaved, percent),
    cell(effect.waitSaved, percent),
    cell(effect.requestsAdded, percent),
    cell(effect.bytesAdded, percent),
    cell(effect.benefitPerMillion, amountText),
  ].join('');
}

function forestRow(name: string, interval: Interval, isStrong: boolean): ForestRow {
  return { name, interval, isStrong };
}

function figure(title: string, note: string, rows: readonly ForestRow[], textOf: (value: number) => string): string {
  const plot = forestPlot(rows, textOf);
  if (plot === '') return '';
  return `<figure><figcaption><strong>${title}</strong> ${note}</figcaption>${plot}</figure>`;
}

const proofStyle = `
svg .interval{stroke:var(--c5);stroke-width:2}
svg .interval.strong{stroke:var(--c0);stroke-width:3}
svg .estimate{fill:var(--c5)}
svg .estimate.strong{fill:var(--c0)}
svg .zero{stroke:var(--ink);stroke-opacity:.5}
figure svg{min-width:0}
.charts{grid-template-columns:repeat(auto-fit,minmax(min(100%,370px),1fr));align-items:start}
`;
