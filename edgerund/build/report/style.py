"""How a report looks: one style sheet for the page and the drawings in it."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#17202c;--soft:#5d6b80;--line:#e1e7ef;--paper:#fff;--page:#f4f6fa;
--blue:#1f66d6;--wash:#e8f0fd;--gray:#8a97a9;--red:#cf2335;--rose:#fdecee;--gold:#b7791f}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf3;--soft:#97a5b8;--line:#2a3442;--paper:#161c25;--page:#0f141b;
--blue:#6aa5ff;--wash:#1a2a44;--gray:#7d8ba0;--red:#ff6b78;--rose:#3a1c22;--gold:#e0ad5a}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:27px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}h2{font-size:19px;margin:0 0 10px}
header p{margin:0 0 20px;color:var(--soft)}p{margin:0 0 10px;max-width:92ch}
ul{margin:0 0 10px;padding-left:20px}li{margin:0 0 6px;max-width:92ch}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--wash);border-radius:4px;
padding:1px 5px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin-bottom:16px}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:12px 16px}
.tile b{display:block;font-size:23px;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
nav{display:flex;flex-wrap:wrap;gap:6px 16px;margin:0 0 18px;font-size:13.5px}
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
section{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:20px 22px;margin-bottom:16px}
.wide{overflow-x:auto;margin:6px -22px 0;padding:0 22px}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft);font-size:12.5px;white-space:nowrap}
th,td{padding:7px 10px;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
.n{text-align:right;white-space:nowrap}.w{text-align:left}td.w{white-space:nowrap}
td.w:last-child{white-space:normal;overflow-wrap:anywhere;min-width:150px}
td:first-child{font-weight:600}
tr.baseline td{background:color-mix(in srgb,var(--gold) 12%,transparent)}tr.left td{color:var(--soft)}
tr.failed td{background:var(--rose);color:var(--red)}
figure{margin:8px 0 0;overflow-x:auto}figcaption{color:var(--soft);font-size:12.5px;text-align:center;margin-top:2px}
details{border-top:1px solid var(--line);padding:9px 0}details+details{margin-top:0}
summary{cursor:pointer;font-weight:600;font-size:14px}details[open] summary{margin-bottom:8px}
svg{display:block;width:100%;height:auto;min-width:560px;max-width:880px;margin:0 auto}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,470px),1fr));gap:18px}
.pictures svg{min-width:430px;max-width:640px}
@media(max-width:640px){main{padding:18px 12px 40px}section{padding:16px 14px;border-radius:12px}
.wide{margin:6px -14px 0;padding:0 14px}h1{font-size:23px}
.tile b{font-size:20px}td:first-child,th:first-child{position:sticky;left:-14px;background:var(--paper)}}
@media print{body{background:#fff}section{break-inside:avoid;border:0;padding:0}nav{display:none}}
"""

DRAWING = """
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft,#5d6b80)}
.end{text-anchor:end}.mid{text-anchor:middle}.axis{font-size:12.5px}
svg .name{font-weight:600;fill:var(--ink,#17202c);paint-order:stroke;stroke:var(--paper,#fff);stroke-width:3px;
stroke-linejoin:round}svg .name.left{font-weight:400;fill:var(--soft,#5d6b80)}
svg .name.baseline{fill:var(--gold,#b7791f)}svg .name.failed{fill:var(--red,#cf2335)}
.grid{stroke:var(--line,#e1e7ef);stroke-width:1}.thread{stroke:var(--gray,#8a97a9);stroke-width:.8}
.front{fill:none;stroke:var(--blue,#1f66d6);stroke-width:1.5;opacity:.45;stroke-dasharray:5 4}
.dot{stroke-width:1.8}.dot.chosen{fill:var(--blue,#1f66d6);stroke:var(--paper,#fff)}
.dot.left{fill:var(--paper,#fff);stroke:var(--gray,#8a97a9)}
.dot.baseline{fill:var(--gold,#b7791f);stroke:var(--paper,#fff)}
.cross{fill:none;stroke:var(--red,#cf2335);stroke-width:2}
.bar{fill:var(--gray,#8a97a9);opacity:.75}.bar.marked{fill:var(--gold,#b7791f);opacity:1}
.cell-fill{fill:var(--blue,#1f66d6)}svg .cell-text{fill:var(--ink,#17202c);font-variant-numeric:tabular-nums}
svg .cell-text.strong{fill:#fff}
@media(prefers-color-scheme:dark){svg .cell-text.strong{fill:#0b1017}}
"""
STYLE += DRAWING
