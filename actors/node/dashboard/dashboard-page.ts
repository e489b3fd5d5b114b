/** The dashboard: one page that needs nothing but the node that serves it. */

import { sha256Base64 } from '../../../engine/host/digest.ts';
import { readPackageAsset } from '../../../engine/host/package-asset.ts';
import { printable } from '../../../engine/printable.ts';
import { dashboardStyle } from './dashboard-style.ts';
import { seriesCharts } from './draw-series.ts';
import { pageKit } from './page-kit.ts';
import { runDashboard } from './run-dashboard.ts';
import { demandPicture } from './show-demand.ts';
import { figures } from './show-figures.ts';
import { graphPicture } from './show-graph.ts';
import { lists } from './show-lists.ts';

/** @throws AnteroomError 'missing-library' where the chart library is not installed. */
export async function dashboardPage(): Promise<string> {
  const uPlotScript = await readPackageAsset('uplot', 'dist/uPlot.iife.min.js');
  const uPlotStyle = await readPackageAsset('uplot', 'dist/uPlot.min.css');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Anteroom node</title>
<link rel="icon" href="data:,">
<style>${uPlotStyle}${dashboardStyle}</style>
</head>
<body>
<a class="skip" href="#main">To the figures</a>
<header>
<h1>Anteroom <span id="name" class="soft"></span></h1>
<span id="state" class="badge" role="status" aria-live="polite">…</span>
<span id="mode" class="soft"></span>
<span class="spacer"></span>
<button id="pause" type="button" aria-pressed="false">Pause</button>
</header>
<details id="help"><summary id="help-title">Keys and words</summary>
<p><kbd>p</kbd> pause <kbd>/</kbd> forecast <kbd>g</kbd> graph <kbd>s</kbd> hot segments <kbd>n</kbd> next hours <kbd>d</kbd> decisions <kbd>?</kbd> this <kbd>Esc</kbd> out of a field</p>
<dl>
<dt>ghost</dt><dd>the same cache without prefetching, simulated beside it on the same accesses</dd>
<dt>late</dt><dd>asked for while its prefetch was under way: a miss that waits only for the rest</dd>
<dt>precision</dt><dd>of the prefetches sent, the share that was asked for</dd>
<dt>coverage</dt><dd>of the ghost's misses, the share that became hits</dd>
<dt>timeliness</dt><dd>of the prefetches that were asked for, the share that was there in time</dd>
<dt>pollution</dt><dd>misses on what the ghost held at that moment, of all accesses</dd>
<dt>waiting saved</dt><dd>an estimate: each miss of the ghost is taken to wait as long as a miss does here in the mean</dd>
<dt>trust</dt><dd>of an expert: how often its prefetches were used of late, by what it had stated; one that misleads is turned off, with a trial now and then</dd>
<dt>weight</dt><dd>accesses, decayed by age</dd>
</dl></details>
<p id="notice" role="alert"></p>
<form id="signin" hidden><label for="token">Token</label><input id="token" type="password" autocomplete="off" required><button>Sign in</button></form>
<p id="empty" hidden>Nothing was sent yet. Any access log will do: <code id="upload"></code></p>
<main id="main" tabindex="-1">
<section><h2>Accesses</h2><div id="rate-numbers" class="numbers"></div><div id="rate-chart" class="chart"></div><ul id="rate-chart-key" class="key"></ul></section>
<section><h2>Hits, against the ghost of no prefetching</h2><div id="hit-numbers" class="numbers"></div><div id="hit-chart" class="chart"></div><ul id="hit-chart-key" class="key"></ul></section>
<section><h2>Waiting, and how prefetches ended</h2><div id="latency-numbers" class="numbers"></div><div id="outcome-numbers" class="numbers"></div><div id="outcome-bar"></div>
<table><thead><tr><th scope="col">expert</th><th scope="col" class="n">issued</th><th scope="col" class="n">used</th><th scope="col" class="n">trust</th></tr></thead><tbody id="experts"></tbody></table></section>
<section><h2>Governor and budget <span id="governor-state" class="badge"></span></h2><p id="governor-text" class="soft"></p><div id="budget-numbers" class="numbers"></div><p class="soft">Proposals refused, by reason:</p><div id="refusal-bar"></div><p id="lift-text" class="soft"></p></section>
<section><h2>Are probabilities kept?</h2><p class="soft">Of prefetches that were promised a probability, the share that was used: on the line is true, the dot's size is how many; <span id="reliability-text"></span>.</p><div id="reliability"></div></section>
<section id="demand-card" tabindex="-1"><h2>The next hours, and the season</h2><p id="demand-text" class="soft"></p><div id="demand"></div></section>
<section><h2>What next?</h2><form id="ask"><label for="consumer">Consumer</label><input id="consumer" placeholder="whoever accessed last" autocomplete="off" spellcheck="false"><button>Forecast</button></form><p id="forecast-text" class="soft" role="status"></p><ol id="forecasts" class="list"></ol></section>
<section><h2>Hot segments</h2><div id="hot-region" class="scroll" tabindex="0" role="region" aria-label="Hot segments"><table><thead><tr><th scope="col">segment</th><th scope="col" class="n">weight</th><th scope="col" class="n">accesses</th><th scope="col" class="n">consumers</th></tr></thead><tbody id="hot"></tbody></table></div></section>
<section><h2>Planned, and under way</h2><div id="plan-numbers" class="numbers"></div><div class="scroll" tabindex="0" role="region" aria-label="Plans"><ul id="plans" class="list"></ul></div><p id="no-plans" class="soft">Nothing at this moment.</p></section>
<section class="wide"><h2>What is around a segment</h2><form id="look"><label for="graph-of">Segment</label><input id="graph-of" autocomplete="off" spellcheck="false" required><button>Show</button></form><div id="graph" tabindex="-1"></div></section>
<section class="wide"><h2>Recent decisions, with their reasons</h2>
<p><label for="kind">Show</label> <select id="kind"><option value="">all</option><option>issued</option><option>ended</option><option>refused</option><option>withdrawn</option></select></p>
<div class="scroll" tabindex="0" role="region" aria-label="Recent decisions"><ol id="decisions"></ol></div><p id="no-decisions" class="soft">None yet.</p></section>
<section class="wide"><h2>Node</h2><div id="node-numbers" class="numbers"></div><p class="soft">The API: <a href="/openapi.json">/openapi.json</a> · metrics: <a href="/metrics">/metrics</a></p></section>
</main>
<script>${uPlotScript}</script>
<script>{
const kit = (${pageKit.toString()})(window, ${printable.toString()});
const showGraph = (${graphPicture.toString()})(kit);
(${runDashboard.toString()})(window, {
kit,
showGraph,
charts: (${seriesCharts.toString()})(window, kit, uPlot),
figures: (${figures.toString()})(kit),
lists: (${lists.toString()})(kit, showGraph),
showDemand: (${demandPicture.toString()})(kit),
});
}</script>
</body>
</html>
`;
}

/**
 * The policy that lets `page` run its own scripts and styles, by their digests, and ask the host that served it; nothing else is loaded, sent or
 * embedded, and no text becomes markup (Content Security Policy level 3, Trusted Types).
 */
export function contentSecurityPolicy(page: string): string {
  const digests = (tag: string): string =>
    [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))]
      .map(([, text]) => `'sha256-${sha256Base64(text!)}'`)
      .join(' ') || "'none'";
  return [
    "default-src 'none'",
    `script-src ${digests('script')}`,
    `style-src ${digests('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}
