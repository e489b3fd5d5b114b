/** The HTML report of a replay: one self-contained page that opens without a network. */

import { readPackageAsset } from '../../engine/host/package-asset.ts';
import type { Report, RunResult, TraceInsight } from '../replay/result.ts';
import type { Chart } from './chart.ts';
import { best } from './comparison.ts';
import { drawCharts } from './draw-charts.ts';
import { escapeHtml, jsonForScript } from './escape-html.ts';
import { clockText, dependencyFigure, hourOfWeekFigure, isDated } from './figures.ts';
import { governorSection } from './governor-section.ts';
import { missCausesFigure } from './miss-causes.ts';
import { pageStyle } from './page-style.ts';
import { chartsOf, type DetailedRun, lineName } from './replay-charts.ts';
import { type Verdict, verdictLine, verdicts } from './summary.ts';
import { shortTraceNames } from './trace-names.ts';
import { amountText, cacheText, countedText, grouped, percent, waitText } from './words.ts';

/**
 * Renders the report. Same report, same bytes.
 * @throws AnteroomError 'missing-library' where the chart library is not installed.
 */
export async function reportPage(report: Report): Promise<string> {
  const uPlotScript = await readPackageAsset('uplot', 'dist/uPlot.iife.min.js');
  const uPlotStyle = await readPackageAsset('uplot', 'dist/uPlot.min.css');
  const charts: Chart[] = [];
  const traces = [...new Set(report.result.runs.map((run) => run.trace))];
  const names = shortTraceNames(traces);
  const sections = traces.map((trace, i) => traceSection(trace, `trace-${i + 1}`, names.get(trace)!, report, charts));
  const titles = traces.map((trace) => names.get(trace)!).join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anteroom replay: ${escapeHtml(titles)}</title>
<style>${uPlotStyle}${pageStyle}</style>
</head>
<body>
<header>
<h1>What would prefetching do here?</h1>
<p class="soft">Anteroom ${escapeHtml(report.result.version)}, seed ${report.result.seed}. Every run replays the same log from its first access; what prefetching gains and costs is measured against the same cache and eviction without it, and what the eviction alone does is said apart. Ratios in the tables are of requests and bytes to LRU of the same size, which <code>--traffic-max</code> bounds.</p>
${inShort(report, traces, names)}
</header>
<main>
${sections.join('\n')}
<section>
<h2>How to get this again</h2>
<p>The same input, seed and version give the same decisions, bit for bit; the digests below each table are hashes of all of them.</p>
<pre><code>${escapeHtml(report.command)}</code></pre>
</section>
</main>
<script>${uPlotScript}</script>
<script>(${drawCharts.toString()})(${jsonForScript(charts)}, uPlot, window);</script>
</body>
</html>
`;
}

/** All verdicts in one list, where there are several traces to leaf through. */
function inShort(report: Report, traces: readonly string[], names: ReadonlyMap<string, string>): string {
  if (traces.length < 2) return '';
  const items = verdicts(report.result.runs).map((verdict) => {
    const anchor = `#trace-${traces.indexOf(verdict.trace) + 1}`;
    return `<li class="${verdict.answer}">${badge(verdict)} <a href="${anchor}">${escapeHtml(verdictLine(verdict, names.get(verdict.trace)!))}</a></li>`;
  });
  return `<ul class="short">${items.join('')}</ul>`;
}

function traceSection(trace: string, id: string, name: string, report: Report, charts: Chart[]): string {
  const runs: DetailedRun[] = report.result.runs.flatMap((run, i) =>
    run.trace === trace ? [{ run, details: report.details[i]! }] : [],
  );
  const insight = report.insights.find((candidate) => candidate.trace === trace);
  const focus = focusOf(runs);
  const figures = chartsOf(runs, focus).map((chart) => {
    charts.push(chart);
    return `<figure><figcaption><strong>${escapeHtml(chart.title)}</strong> ${escapeHtml(chart.note)}</figcaption><div class="chart" data-chart="${charts.length - 1}"></div></figure>`;
  });
  return `<section id="${id}">
<h2>${escapeHtml(name)}</h2>
<p class="soft">${escapeHtml(factsText(runs[0]!.run, insight))}</p>
${verdicts(runs.map(({ run }) => run))
  .map(verdictCard)
  .join('\n')}
<div class="scroll">${runTable(runs.map(({ run }) => run))}</div>
${digestList(runs.map(({ run }) => run))}
<div class="charts">${figures.join('\n')}</div>
${missCausesFigure(runs.map(({ run }) => run).filter((run) => run.prefetch === 'anteroom'))}
${governorSection(runs.map(({ run }) => run))}
${insight === undefined ? '' : insightFigures(insight)}
</section>`;
}

function verdictCard(verdict: Verdict): string {
  return `<article class="verdict ${verdict.answer}"><h3>${badge(verdict)} ${escapeHtml(`Cache of ${verdict.cache}: ${verdict.headline}`)}</h3>${verdict.details.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')}</article>`;
}

function badge(verdict: Verdict): string {
  return `<span class="badge">${{ yes: 'worth it', no: 'no', none: 'not judged' }[verdict.answer]}</span>`;
}

function factsText(run: RunResult, insight: TraceInsight | undefined): string {
  const consumers =
    insight === undefined || insight.consumers === 0 ? '' : `, ${countedText(insight.consumers, 'consumer')}`;
  const span = insight?.timeSpanMs ? `, ${durationText(insight.timeSpanMs[1] - insight.timeSpanMs[0])}` : '';
  const counted =
    run.accesses === run.log.accesses
      ? ''
      : ` Of ${countedText(run.log.accesses, 'row')} of the log these are counted.`;
  const skipped = Object.values(run.log.skipped).reduce((sum, count) => sum + count, 0);
  const passed = [
    ...(run.log.rejected > 0 ? [countedText(run.log.rejected, 'bad record')] : []),
    ...(skipped > 0
      ? [`${countedText(skipped, 'record')} that ${skipped === 1 ? 'is no access' : 'are no accesses'}`]
      : []),
    ...(run.clampedTimes > 0 ? [`${countedText(run.clampedTimes, 'time')} that went backwards`] : []),
  ];
  const notes = passed.length === 0 ? '' : ` Passed over or mended: ${passed.join(', ')}.`;
  return `${run.format}: ${countedText(run.accesses, 'access', 'accesses')} to ${countedText(run.segments, 'segment')}${consumers}${span}.${counted}${notes} Fetches take ${run.latency === '0' ? 'no time' : run.latency}.`;
}

function durationText(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 48) return `${Number((hours / 24).toPrecision(3))} days`;
  return hours >= 1 ? `${Number(hours.toPrecision(3))} hours` : `${Number((hours * 60).toPrecision(3))} minutes`;
}

/** The run that the detailed charts show: the engine's most beneficial, else the first prefetcher's. */
function focusOf(runs: readonly DetailedRun[]): DetailedRun | undefined {
  const active = runs.filter(({ run }) => run.prefetches.issued > 0);
  const engines = active.filter(({ run }) => run.prefetch === 'anteroom');
  if (engines.length === 0) return active[0];
  const chosen = best(engines.map(({ run }) => run));
  return engines.find(({ run }) => run === chosen);
}

const textHeadings = ['cache', 'eviction', 'prefetcher'];
const headings = [
  'misses',
  'miss ratio',
  'mean wait',
  'p99 wait',
  'requests / LRU',
  'bytes / LRU',
  'issued',
  'late',
  'precision',
  'coverage',
  'pollution',
  'benefit',
];

/** What says nothing in a cell. */
const NOTHING = '–';

function runTable(runs: readonly RunResult[]): string {
  const figures = runs.map(figuresOf);
  // A column in which nothing is said, as bytes of a log without sizes, only takes room.
  const isSaid = headings.map((_, column) => figures.some((cells) => cells[column] !== NOTHING));
  const body = runs.map((run, i) => {
    const isFirst = i === 0 || cacheText(runs[i - 1]!) !== cacheText(run);
    let span = 1;
    while (isFirst && i + span < runs.length && cacheText(runs[i + span]!) === cacheText(run)) span++;
    const cache = isFirst ? `<td class="text" rowspan="${span}">${escapeHtml(cacheText(run))}</td>` : '';
    const names = [
      run.evict === run.evictUsed ? run.evict : `${run.evict} (${run.evictUsed})`,
      run.trafficMax === null ? run.prefetch : `${run.prefetch} ≤${run.trafficMax}`,
    ];
    const classes = [run.prefetch === 'anteroom' ? 'engine' : '', isFirst ? 'first' : ''].join(' ').trim();
    return `<tr class="${classes}" title="${escapeHtml([lineName(run), ...outcomesOf(run), ...run.notes].join('; '))}">${cache}${names.map((cell) => `<td class="text">${escapeHtml(cell)}</td>`).join('')}${figures[
      i
    ]!.filter((_, column) => isSaid[column])
      .map((cell) => `<td>${escapeHtml(cell)}</td>`)
      .join('')}</tr>`;
  });
  return `<table class="runs"><thead><tr>${textHeadings.map((heading) => `<th class="text">${heading}</th>`).join('')}${headings
    .filter((_, column) => isSaid[column])
    .map((heading) => `<th>${heading}</th>`)
    .join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

/** How the issued prefetches ended, for whoever points at a row. */
function outcomesOf(run: RunResult): readonly string[] {
  if (run.prefetch === 'none') return [];
  const { useful, late, wasted, cancelled, stale, pending, withdrawn } = run.prefetches;
  return Object.entries({ useful, late, wasted, cancelled, stale, pending, withdrawn }).map(
    ([name, count]) => `${name} ${grouped(count)}`,
  );
}

/** The cells of a run, in the order of `headings`. */
function figuresOf(run: RunResult): readonly string[] {
  const { issued, late } = run.prefetches;
  const share = (value: number | null): string => (value === null ? '–' : percent(value));
  const times = (value: number | null): string => (value === null ? '–' : `×${value.toFixed(3)}`);
  const wait = (value: number | null): string => (value === null ? '–' : waitText(value, run));
  const common = [
    grouped(run.misses),
    share(run.missRatio),
    wait(run.latencyMs.mean),
    wait(run.latencyMs.p99),
    times(run.trafficRatio),
    times(run.trafficBytesRatio),
  ];
  if (run.prefetch === 'none') return [...common, ...new Array<string>(6).fill('–')];
  return [
    ...common,
    ...[issued, late].map(grouped),
    share(run.precision),
    share(run.coverage),
    share(run.pollution),
    run.netBenefit === null ? '–' : amountText(run.netBenefit),
  ];
}

function digestList(runs: readonly RunResult[]): string {
  const items = runs.map(
    (run) =>
      `<li><code class="digest">${escapeHtml(run.digest)}</code> ${escapeHtml(`${cacheText(run)}, ${lineName(run)}`)}</li>`,
  );
  return `<details><summary>Digests: one hash of all decisions of each run</summary><ul>${items.join('')}</ul></details>`;
}

function insightFigures(insight: TraceInsight): string {
  const week = hourOfWeekFigure(insight);
  const graph = dependencyFigure(insight);
  const parts: string[] = [];
  if (week !== '') {
    parts.push(
      `<figure class="wide"><figcaption><strong>Hot segments over the week</strong> The most accessed segments by hour of the week${isDated(insight) ? ` (${clockText(insight.timeZone)})` : ', counted from the beginning of the log’s clock'}, darker = closer to the segment’s busiest hour. Rows stand in the order of the hour of the day at which they are busiest.</figcaption>${week}</figure>`,
    );
  }
  if (graph !== '') {
    parts.push(
      `<figure class="wide"><figcaption><strong>What follows what</strong> The strongest dependencies that the graph builder found: after the left one, the right one came so often. Hover for the count, the lag and the lift over chance.</figcaption>${graph}</figure>`,
    );
  }
  return parts.join('\n');
}
