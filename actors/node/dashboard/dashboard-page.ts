/** The dashboard: one page that needs nothing but the node that serves it. */

import { readPackageAsset } from '../../../engine/host/package-asset.ts';
import { runDashboard } from './dashboard-script.ts';
import { dashboardStyle } from './dashboard-style.ts';

/** @throws AnteroomError 'missing-library' where the chart library is not installed. */
export async function dashboardPage(): Promise<string> {
  const uPlotScript = await readPackageAsset('uplot', 'dist/uPlot.iife.min.js');
  const uPlotStyle = await readPackageAsset('uplot', 'dist/uPlot.min.css');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
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
<span class="soft keys"><kbd>p</kbd> pause <kbd>/</kbd> forecast <kbd>g</kbd> graph <kbd>d</kbd> decisions</span>
</header>
<p id="notice" role="alert"></p>
<form id="signin" hidden style="max-width:480px;margin:0 16px 10px"><label for="token">Token</label><input id="token" type="password" autocomplete="off" required><button>Sign in</button></form>
<main id="main">
<section><h2>Accesses</h2><div id="rate-numbers" class="numbers"></div><div id="rate-chart" class="chart"></div></section>
<section><h2>Hits, against the ghost of no prefetching</h2><div id="hit-numbers" class="numbers"></div><div id="hit-chart" class="chart"></div></section>
<section><h2>How prefetches ended</h2><div id="outcome-numbers" class="numbers"></div><div id="outcome-bar"></div>
<div class="scroll"><table><thead><tr><th scope="col">expert</th><th scope="col" class="n">issued</th><th scope="col" class="n">used</th></tr></thead><tbody id="experts"></tbody></table></div></section>
<section><h2>Are probabilities kept?</h2><p class="soft">Of prefetches that were promised a probability, the share that was used. On the line means true; the dot's size is how many.</p><div id="reliability"></div></section>
<section><h2>Budget and governor</h2><div id="budget-numbers" class="numbers"></div><p class="soft">Proposals refused, by reason:</p><div id="refusal-bar"></div></section>
<section><h2>What next?</h2><form id="ask"><label for="consumer">Consumer</label><input id="consumer" placeholder="whoever accessed last" autocomplete="off"><button>Forecast</button></form><div id="forecasts" aria-live="polite"></div></section>
<section><h2>Hot segments</h2><div class="scroll" tabindex="0" role="region" aria-label="Hot segments"><table><thead><tr><th scope="col">segment</th><th scope="col" class="n">weight</th><th scope="col" class="n">accesses</th><th scope="col" class="n">consumers</th></tr></thead><tbody id="hot"></tbody></table></div></section>
<section class="wide"><h2>What follows a segment</h2><form id="look"><label for="graph-of">Segment</label><input id="graph-of" autocomplete="off" required><button>Show</button></form><div id="graph"></div></section>
<section class="wide"><h2>Recent decisions, with their reasons</h2>
<p><label for="kind">Show</label> <select id="kind"><option value="">all</option><option>issued</option><option>ended</option><option>refused</option><option>withdrawn</option></select></p>
<div class="scroll" tabindex="0" role="region" aria-label="Recent decisions"><table><thead><tr><th scope="col" class="n">event time</th><th scope="col">what</th><th scope="col" class="n">probability</th><th scope="col">why</th></tr></thead><tbody id="decisions"></tbody></table></div><p id="no-decisions" class="soft">None yet.</p></section>
<section class="wide"><h2>Node</h2><div id="node-numbers" class="numbers"></div><p class="soft">The API: <a href="/openapi.json">/openapi.json</a> · metrics: <a href="/metrics">/metrics</a></p></section>
</main>
<script>${uPlotScript}</script>
<script>(${runDashboard.toString()})(window, uPlot);</script>
</body>
</html>
`;
}
