/** The style of the dashboard: light and dark, wide and narrow. */

export const dashboardStyle = `
:root{--bg:#f7f7f5;--card:#fff;--ink:#1d2129;--soft:#5c6470;--line:#dfe1e5;--good:#0b7a4b;--bad:#a23b2a;--warn:#8a6100;
--c0:#2463b4;--c1:#d1642c;--c2:#2f8f5b;--c3:#8d4fb0;--c4:#b8932a;--c5:#7a828e}
@media (prefers-color-scheme:dark){:root{--bg:#15181d;--card:#1d2229;--ink:#e7e9ec;--soft:#a0a8b4;--line:#333a44;--good:#4fc790;--bad:#ec8a76;--warn:#e0c060;
--c0:#7ab0f5;--c1:#f0976a;--c2:#6fcf97;--c3:#c597e4;--c4:#e0c060;--c5:#9aa3af}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main{max-width:1320px;margin:0 auto;padding:0 16px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px;padding-top:16px;padding-bottom:8px}
h1{font-size:20px;margin:0}
h2{font-size:14px;margin:0 0 6px}
.soft{color:var(--soft)}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px;z-index:2}
.badge{font-size:12px;font-weight:600;padding:1px 9px;border-radius:9px;border:1px solid currentColor}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.spacer{flex:1}
main{columns:3 380px;column-gap:12px;padding-bottom:32px}
main>*{break-inside:avoid;margin-bottom:12px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;min-width:0}
.wide{column-span:all}
.numbers{display:flex;flex-wrap:wrap;gap:4px 20px;margin-bottom:8px}
.numbers div{min-width:76px}
.numbers b{display:block;font-size:20px;line-height:1.2;font-variant-numeric:tabular-nums}
.numbers span{font-size:12px;color:var(--soft)}
.chart{height:190px;min-width:0;margin-bottom:22px}
.bar{display:flex;height:18px;border-radius:4px;overflow:hidden;background:var(--line);margin:4px 0}
.bar i{display:block;height:100%}
.key{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;color:var(--soft);padding:0;margin:4px 0;list-style:none}
.key li::before{content:"";display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--key);margin-right:5px}
.scroll{overflow-x:auto;max-height:340px;overflow-y:auto}
table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums}
th,td{padding:3px 6px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600;position:sticky;top:0;background:var(--card)}
td.n,th.n{text-align:right;white-space:nowrap}
td.name{overflow-wrap:anywhere;min-width:130px}
button,input,select{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:3px 9px}
button{cursor:pointer}
button.link{border:0;background:none;padding:0;color:var(--c0);text-align:left;overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--c0);outline-offset:1px}
form{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 8px}
form input{flex:1;min-width:120px}
ol.why{margin:2px 0 8px;padding-left:18px;font-size:12.5px;color:var(--soft);list-style:disc}
.p{display:inline-block;min-width:52px;font-weight:600;font-variant-numeric:tabular-nums}
#graph{overflow-x:auto}
#graph svg{min-width:640px;max-width:980px}
svg{width:100%;height:auto;display:block}
svg .grid{stroke:var(--line)}
svg .dot{fill:var(--c0)}
svg text{font-size:12px;fill:var(--ink)}
svg .edge{stroke:var(--c0);fill:none}
svg .node{fill:var(--card);stroke:var(--c0);stroke-width:1.5}
#notice:empty{display:none}
#notice{margin:0 16px 10px;max-width:1288px;padding:8px 12px;border:1px solid var(--bad);border-radius:8px;background:var(--card)}
.u-legend{font-size:12px;color:var(--ink);text-align:left}.u-legend th{font-weight:400;position:static}
kbd{border:1px solid var(--line);border-radius:4px;padding:0 4px;font-size:11px}
@media (max-width:480px){.keys{display:none}header,main{padding-left:10px;padding-right:10px}.numbers b{font-size:17px}}
`;
