/** The HTML report of a replay: one self-contained page that opens without a network. */

import { readPackageAsset } from '../../engine/host/package-asset.ts';
import type { Report, RunResult, TraceInsight } from '../replay/result.ts';
import type { Chart } from './chart.ts';
import { drawCharts } from './draw-charts.ts';
import { escapeHtml, jsonForScript } from './escape-html.ts';
import { dependencyFigure, hourOfWeekFigure } from './figures.ts';
import { pageStyle } from './page-style.ts';
import { chartsOf, type DetailedRun, lineName } from './replay-charts.ts';
import { cacheText, grouped, percent, verdicts, waitText } from './summary.ts';

/**
 * Renders the report. Same report, same bytes.
 * @throws AnteroomError 'missing-library' where the chart library is not installed.
 */
export async function reportPage(report: Report): Promise<string> {
  const uPlotScript = await readPackageAsset('uplot', 'dist/uPlot.iife.min.js');
  const uPlotStyle = await readPackageAsset('uplot', 'dist/uPlot.min.css');
  const charts: Chart[] = [];
  const traces = [...new Set(report.result.runs.map((run) => run.trace))];
  const sections = traces.map((trace) => traceSection(trace, report, charts));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anteroom replay: ${escapeHtml(traces.join(', '))}</title>
<style>${uPlotStyle}${pageStyle}</style>
</head>
<body>
<header>
<h1>What would prefetching do here?</h1>
<p class="soft">Anteroom ${escapeHtml(report.result.version)}, seed ${report.result.seed}. Every run replays the same log from its first access; “baseline” is the same cache without prefetching, “reference” is LRU of the same size.</p>
</header>
<main>
${sections.join('\n')}
<section>
<h2>How to get this again</h2>
<p>The same input, seed and version give the same decisions, bit for bit; the digests in the tables are hashes of all of them.</p>
<pre><code>${escapeHtml(report.command)}</code></pre>
</section>
</main>
<script>${uPlotScript}</script>
<script>(${drawCharts.toString()})(${jsonForScript(charts)}, uPlot, window);</script>
</body>
</html>
`;
}

function traceSection(trace: string, report: Report, charts: Chart[]): string {
  const runs: DetailedRun[] = report.result.runs.flatMap((run, i) =>
    run.trace === trace ? [{ run, details: report.details[i]! }] : [],
  );
  const insight = report.insights.find((candidate) => candidate.trace === trace);
  const focus = focusOf(runs);
  const figures = chartsOf(runs, focus).map((chart) => {
    charts.push(chart);
    return `<figure><figcaption><strong>${escapeHtml(chart.title)}</strong> ${escapeHtml(chart.note)}</figcaption><div class="chart" data-chart="${charts.length - 1}"></div></figure>`;
  });
  return `<section>
<h2>${escapeHtml(trace)}</h2>
<p class="soft">${escapeHtml(factsText(runs[0]!.run, insight))}</p>
${verdicts(runs.map(({ run }) => run))
  .map(verdictCard)
  .join('\n')}
<div class="scroll">${runTable(runs.map(({ run }) => run))}</div>
<div class="charts">${figures.join('\n')}</div>
${insight === undefined ? '' : insightFigures(insight)}
</section>`;
}

function verdictCard(verdict: ReturnType<typeof verdicts>[number]): string {
  const badge = { yes: 'worth it', no: 'no', none: 'not judged' }[verdict.answer];
  return `<article class="verdict ${verdict.answer}"><h3><span class="badge">${badge}</span> ${escapeHtml(verdict.headline)}</h3>${verdict.details.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('')}</article>`;
}

function factsText(run: RunResult, insight: TraceInsight | undefined): string {
  const consumers = insight === undefined || insight.consumers === 0 ? '' : `, ${grouped(insight.consumers)} consumers`;
  const span = insight?.timeSpanMs ? `, ${durationText(insight.timeSpanMs[1] - insight.timeSpanMs[0])}` : '';
  return `${run.format}: ${grouped(run.accesses)} accesses to ${grouped(run.segments)} segments${consumers}${span}. Fetches take ${run.latency}.`;
}

function durationText(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours >= 48) return `${Number((hours / 24).toPrecision(3))} days`;
  return hours >= 1 ? `${Number(hours.toPrecision(3))} hours` : `${Number((hours * 60).toPrecision(3))} minutes`;
}

/** The run that the detailed charts show: the engine's most beneficial, else the first prefetcher's. */
function focusOf(runs: readonly DetailedRun[]): DetailedRun | undefined {
  const engines = runs.filter(({ run }) => run.prefetch === 'anteroom' && run.prefetches.issued > 0);
  const candidates = engines.length > 0 ? engines : runs.filter(({ run }) => run.prefetches.issued > 0);
  let chosen = candidates[0];
  for (const candidate of candidates) {
    if ((candidate.run.netBenefit ?? 0) > (chosen?.run.netBenefit ?? 0)) chosen = candidate;
  }
  return chosen;
}

const headings = [
  'cache',
  'eviction',
  'prefetcher',
  'misses',
  'miss ratio',
  'issued',
  'useful',
  'late',
  'wasted',
  'precision',
  'coverage',
  'pollution',
  'requests',
  'bytes',
  'mean wait',
  'p99 wait',
  'benefit',
  'digest',
];

function runTable(runs: readonly RunResult[]): string {
  const body = runs.map((run) => {
    const p = run.prefetches;
    const isNone = run.prefetch === 'none';
    const cells = [
      cacheText(run),
      run.evict === run.evictUsed ? run.evict : `${run.evict} (${run.evictUsed})`,
      run.trafficMax === null ? run.prefetch : `${run.prefetch} ≤${run.trafficMax}`,
      grouped(run.misses),
      run.missRatio === null ? '–' : percent(run.missRatio),
      ...(isNone
        ? ['–', '–', '–', '–', '–', '–', '–']
        : [
            grouped(p.issued),
            grouped(p.useful),
            grouped(p.late),
            grouped(p.wasted),
            run.precision === null ? '–' : percent(run.precision),
            run.coverage === null ? '–' : percent(run.coverage),
            run.pollution === null ? '–' : percent(run.pollution),
          ]),
      run.trafficRatio === null ? '–' : `×${run.trafficRatio.toFixed(3)}`,
      run.trafficBytesRatio === null ? '–' : `×${run.trafficBytesRatio.toFixed(3)}`,
      run.latencyMs.mean === null ? '–' : waitText(run.latencyMs.mean, run),
      run.latencyMs.p99 === null ? '–' : waitText(run.latencyMs.p99, run),
      isNone || run.netBenefit === null ? '–' : run.netBenefit.toFixed(4),
      run.digest,
    ];
    return `<tr class="${run.prefetch === 'anteroom' ? 'engine' : ''}" title="${escapeHtml([lineName(run), ...run.notes].join('; '))}">${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  return `<table class="runs"><thead><tr>${headings.map((heading) => `<th>${heading}</th>`).join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function insightFigures(insight: TraceInsight): string {
  const week = hourOfWeekFigure(insight);
  const graph = dependencyFigure(insight);
  const parts: string[] = [];
  if (week !== '') {
    parts.push(
      `<figure class="wide"><figcaption><strong>Hot segments over the week</strong> Accesses by hour of the week (UTC), darker = closer to the segment's busiest hour; at the right its total.</figcaption>${week}</figure>`,
    );
  }
  if (graph !== '') {
    parts.push(
      `<figure class="wide"><figcaption><strong>What follows what</strong> The strongest dependencies that the graph builder found; thicker = surer. Hover for support, lift and lag.</figcaption>${graph}</figure>`,
    );
  }
  return parts.join('\n');
}
