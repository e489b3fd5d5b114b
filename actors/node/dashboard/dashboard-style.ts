/** The style of the dashboard: light and dark, wide and narrow. */

export const dashboardStyle = `
:root{--bg:#f7f7f5;--card:#fff;--ink:#1d2129;--soft:#555d69;--line:#dfe1e5;--edge:#888f99;--good:#0a6b42;--bad:#a23b2a;--warn:#7a5600;
--c0:#1f5aa6;--c1:#b8541f;--c2:#26794c;--c3:#7f43a3;--c4:#8f6f14;--c5:#666e7a}
@media (prefers-color-scheme:dark){:root{--bg:#15181d;--card:#1d2229;--ink:#e7e9ec;--soft:#a9b1bc;--line:#333a44;--edge:#7b8490;--good:#4fc790;--bad:#ec8a76;--warn:#e0c060;
--c0:#7ab0f5;--c1:#f0976a;--c2:#6fcf97;--c3:#c597e4;--c4:#e0c060;--c5:#9aa3af}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,#help,#notice,#signin,#empty{max-width:1320px;margin-left:auto;margin-right:auto}
header,main{padding:0 16px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 14px;padding-top:16px;padding-bottom:4px}
h1{font-size:20px;margin:0}
h2{font-size:14px;margin:0 0 6px}
h3{font-size:13px;margin:8px 0 2px;color:var(--soft)}
p{margin:0 0 8px}
a{color:var(--c0)}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--card);padding:6px 10px;z-index:2}
.badge{font-size:12px;font-weight:600;padding:1px 9px;border-radius:9px;border:1px solid currentColor}
.badge:empty{display:none}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.spacer{flex:1}
#help{padding:0 16px 8px;color:var(--soft)}
#help summary{cursor:pointer;width:max-content;font-size:12.5px}
#help dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:0;font-size:12.5px}
#help dd{margin:0}
#help dt{color:var(--ink)}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,370px),1fr));gap:12px;padding-bottom:32px;align-items:stretch}
main:focus,#graph:focus{outline:none}
section{overflow-wrap:anywhere;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;min-width:0}
.wide{grid-column:1/-1}
.numbers{display:flex;flex-wrap:wrap;gap:4px 20px;margin-bottom:8px}
.numbers div{min-width:72px}
.numbers b{display:block;font-size:19px;line-height:1.2;font-variant-numeric:tabular-nums}
.numbers span{font-size:12px;color:var(--soft)}
.chart{height:150px;min-width:0;margin-bottom:4px;overflow:hidden}
.bar{display:flex;height:18px;border-radius:4px;overflow:hidden;background:var(--line);margin:4px 0}
.bar i{display:block;height:100%}
.key{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;color:var(--soft);padding:0;margin:4px 0;list-style:none;font-variant-numeric:tabular-nums}
.key li::before{content:"";display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--key);margin-right:5px}
.key .plain::before{display:none}
.scroll{overflow:auto;max-height:340px}
table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums}
th,td{padding:3px 6px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600;position:sticky;top:0;background:var(--card)}
td.n,th.n{text-align:right;white-space:nowrap}
td.name{overflow-wrap:anywhere;min-width:90px}
button,input,select{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--edge);border-radius:6px;padding:4px 10px;min-height:30px}
button{cursor:pointer}
button.link{border:0;background:none;padding:0;min-height:24px;color:var(--c0);text-align:left;overflow-wrap:anywhere}
input::placeholder{color:var(--soft);opacity:1}
:focus-visible{outline:2px solid var(--c0);outline-offset:1px}
form{display:flex;flex-wrap:wrap;gap:6px;align-items:center;margin:0 0 8px}
form input{flex:1;min-width:120px}
.list{list-style:none;margin:0;padding:0;font-size:13px}
.list>li{padding:4px 0;border-bottom:1px solid var(--line)}
.list>li:last-child{border:0}
.why{font-size:12.5px;color:var(--soft)}
ul.why{margin:2px 0 4px;padding-left:18px;list-style:disc}
#plans .why{display:block}
.p{display:inline-block;min-width:48px;font-variant-numeric:tabular-nums}
#decisions{list-style:none;margin:0;padding:0;font-size:12.5px;font-variant-numeric:tabular-nums}
#decisions li{display:grid;grid-template-columns:138px 82px 40px 1fr;gap:2px 8px;padding:3px 0;border-bottom:1px solid var(--line)}
#decisions .why{color:inherit;overflow-wrap:anywhere}
#decisions .when{color:var(--soft)}
.graph-list{display:none}
.graph-list ul{margin:0;padding-left:14px;list-style:none}
.graph-list>ul{padding-left:0}
.graph-list li{padding:1px 0}
.place{cursor:pointer}
.place:focus-visible{outline:none}
.place:focus-visible text,.place:hover text{text-decoration:underline}
.place:focus-visible .node{stroke-width:4}
svg{width:100%;height:auto;display:block}
svg .grid{stroke:var(--line)}
svg .dot,svg .ahead,svg .cell{fill:var(--c0)}
svg .past{fill:var(--c5)}
svg .unseen{fill:none;stroke:var(--line)}
svg text{font-size:12px;fill:var(--ink)}
svg .edge{stroke:var(--c0);fill:none}
svg .node{fill:var(--card);stroke:var(--c0);stroke-width:1.5}
#notice:empty{display:none}
#notice,#signin,#empty{margin-bottom:10px;padding:8px 12px;border:1px solid var(--line);border-radius:8px;background:var(--card);width:calc(100% - 32px)}
#notice{border-color:var(--bad);overflow-wrap:anywhere}
kbd{border:1px solid var(--edge);border-radius:4px;padding:0 4px;font-size:11px;color:var(--ink)}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media (max-width:760px){.wide-graph{display:none}.graph-list{display:block}
#decisions li{grid-template-columns:1fr auto auto}#decisions .why{grid-column:1/-1}
button.link{min-height:28px}}
@media (max-width:480px){header,main,#help{padding-left:10px;padding-right:10px}#notice,#signin,#empty{width:calc(100% - 20px)}.numbers b{font-size:17px}th,td{padding:3px 4px}}
`;
