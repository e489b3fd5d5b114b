/** The style of the report page: light and dark, wide and narrow. */

export const pageStyle = `
:root{--bg:#f7f7f5;--card:#fff;--ink:#1d2129;--soft:#626a76;--line:#e3e4e6;--yes:#0b7a4b;--no:#a23b2a;
--c0:#2463b4;--c1:#d1642c;--c2:#2f8f5b;--c3:#8d4fb0;--c4:#b8932a;--c5:#7a828e;--c6:#c2447a;--c7:#2a9aa6;--c8:#6b7a1e;--c9:#7d5240;--on-color:#ffffff;--on-color-shadow:0 0 3px #0009}
@media (prefers-color-scheme:dark){:root{--bg:#15181d;--card:#1d2229;--ink:#e7e9ec;--soft:#a0a8b4;--line:#333a44;--yes:#4fc790;--no:#ec8a76;
--c0:#7ab0f5;--c1:#f0976a;--c2:#6fcf97;--c3:#c597e4;--c4:#e0c060;--c5:#9aa3af;--c6:#f08ab4;--c7:#6fd3dd;--c8:#bccb62;--c9:#cf9f88;--on-color:#14181d;--on-color-shadow:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main{max-width:1240px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px}
h2{font-size:20px;margin:0 0 4px;overflow-wrap:anywhere}
h3{font-size:16px;margin:0 0 6px;overflow-wrap:anywhere}
p{margin:4px 0}
.soft{color:var(--soft)}
section{margin:26px 0;padding-top:18px;border-top:1px solid var(--line)}
.verdict{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--soft);border-radius:8px;padding:12px 16px;margin:12px 0}
.verdict.yes{border-left-color:var(--yes)}
.verdict.no{border-left-color:var(--no)}
.badge{display:inline-block;font-size:12px;font-weight:600;padding:1px 8px;border-radius:9px;border:1px solid currentColor;color:var(--soft)}
.yes .badge{color:var(--yes)}
.no .badge{color:var(--no)}
.scroll{overflow-x:auto;margin:14px 0}
table.runs{border-collapse:collapse;min-width:100%;font-size:12.5px;font-variant-numeric:tabular-nums;white-space:nowrap;background:var(--card)}
.runs th,.runs td{padding:4px 5px;border-bottom:1px solid var(--line);text-align:right}
.runs th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom;line-height:1.25}
.runs small{display:block;color:var(--soft);font-weight:400;font-size:11.5px}
.runs th.text,.runs td.text{text-align:left}
.runs td[rowspan]{vertical-align:top;font-weight:400}
.runs tr.first td{border-top:2px solid var(--line)}
tr.engine td{font-weight:600}
details{margin:10px 0}
summary{cursor:pointer;color:var(--soft)}
ul.short{padding-left:0;list-style:none;margin:8px 0}
ul.short li{margin:4px 0}
ul.short a{color:inherit;text-decoration:none}
ul.short a:hover{text-decoration:underline}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:16px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;min-width:0}
figure.wide{margin-top:16px;overflow-x:auto}
figcaption{font-size:13px;color:var(--soft);margin-bottom:8px}
figcaption strong{display:block;color:var(--ink);font-size:15px}
.u-legend{font-size:12px;color:var(--ink);white-space:normal;text-align:left}
.u-legend th{font-weight:400}
.u-legend tbody{display:flex;flex-wrap:wrap;justify-content:flex-start;row-gap:2px}
.u-legend .u-series:first-child{order:9}
.u-legend .u-series:first-child:has(.u-value:empty){visibility:hidden}
.u-inline.u-live .u-series:has(.u-value:empty) th::after{content:none}
.u-legend .u-value{font-variant-numeric:tabular-nums}
svg{width:100%;min-width:min(720px,180vw);height:auto;display:block}
svg .axis{font-size:11px;fill:var(--soft)}
svg .strong{font-weight:600}
svg .label{font-size:12px;fill:var(--ink)}
svg .grid{stroke:var(--line)}
svg .heat{fill:var(--c0)}
svg .node{fill:var(--bg);stroke:var(--line)}
svg .edge{fill:none;stroke:var(--c0);stroke-opacity:.65}
svg .arrow{fill:var(--c0)}
figure.governor p,figure.governor li{font-size:13px}
figure.wide .causes p{margin:8px 0 2px;font-size:13px}
.bar{display:flex;height:26px;border-radius:5px;overflow:hidden;gap:1px}
.bar span{min-width:2px;flex-basis:0;overflow:hidden;color:var(--on-color);font-size:11.5px;line-height:26px;padding-left:4px;text-shadow:var(--on-color-shadow);white-space:nowrap}
ul.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;padding:0;margin:10px 0 0;font-size:12.5px;color:var(--soft)}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
p code,figcaption code{white-space:nowrap}
code.digest{font-size:12px}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;overflow-x:auto}
@media print{body{background:#fff}.verdict,figure{break-inside:avoid}}
`;
