"""The report's HTML: style, layout, and the script that shows what was decided where the pointer is."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>
:root{{--ink:#1c2430;--soft:#68758a;--line:#e3e8ef;--paper:#fff;--page:#f5f7fa;--truth:#1f6feb;--seen:#9db7dd;
--limit:#d1242f;--forecast:#e8912d;--run:#3b8f6b}}
@media(prefers-color-scheme:dark){{:root{{--ink:#e6ebf2;--soft:#93a1b5;--line:#2b3442;--paper:#171d26;--page:#10151c;
--seen:#3f567a;--truth:#6ea8fe;--run:#4fb98c;--limit:#ff6b74;--forecast:#f0a95a}}}}
body{{margin:0 auto;max-width:1160px;padding:20px;background:var(--page);color:var(--ink);
font:14px/1.45 system-ui,sans-serif}}
h1{{font-size:20px;margin:0}} p{{margin:4px 0 14px;color:var(--soft)}}
.cells{{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:14px}}
.cell{{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:8px 14px;
color:var(--soft);font-size:12px}}
.cell b{{display:block;font-size:17px;color:var(--ink)}} .bad b{{color:var(--limit)}}
figure{{margin:0 0 8px;background:var(--paper);border:1px solid var(--line);border-radius:8px}}
svg{{display:block;width:100%;height:auto}} text{{font:11px system-ui,sans-serif;fill:var(--soft)}}
.title{{font-size:13px;font-weight:600;fill:var(--ink)}} .unit{{font-weight:400;fill:var(--soft)}}
.tick{{text-anchor:end}} .time{{text-anchor:middle}} .grid{{stroke:var(--line)}}
.line{{fill:none;stroke-width:1.4;stroke-linejoin:round}} .truth{{stroke:var(--truth)}}
.seen{{stroke:var(--seen);stroke-width:1}}
.limit{{stroke:var(--limit);stroke-dasharray:6 3}} .forecast{{stroke:var(--forecast);stroke-width:1.1}}
.run{{fill:var(--run)}}
.cursor{{stroke:var(--ink);stroke-width:1;opacity:.5}}
#tip{{position:fixed;display:none;max-width:560px;background:var(--paper);
color:var(--ink);border:1px solid var(--soft);
border-radius:8px;padding:8px 12px;white-space:pre-line;font-size:12px;pointer-events:none;
box-shadow:0 4px 18px #0003}}
#tip b{{display:block}}
</style></head><body>
<h1>{title}</h1><p>{text} Seed {seed}.</p>
<div class="cells">{figures}</div>
{charts}
<p>Point at a chart: what was decided there, why, and why each other variant was not taken.</p>
<div id="tip"></div>
<script>
const D={data},G={geometry},tip=document.getElementById("tip"),charts=[...document.querySelectorAll("svg")];
function show(e,svg){{
  const box=svg.getBoundingClientRect(),x=(e.clientX-box.left)/box.width*G.width;
  const share=(x-G.left)/(G.width-G.left-G.right);
  if(share<0||share>1)return hide();
  const t=Math.min(D.i.length-1,Math.round(share*(D.i.length-1)));
  for(const c of document.querySelectorAll(".cursor")){{c.setAttribute("x1",x);c.setAttribute("x2",x)}}
  const head=document.createElement("b");
  head.textContent=Math.floor(t/60)+" min "+(t%60)+" s · "+D.rows[t][0]+" °C · "+D.rows[t][1]+" W";
  tip.replaceChildren(head,document.createTextNode(D.texts[D.i[t]]));
  tip.style.display="block";
  const w=tip.offsetWidth,h=tip.offsetHeight;
  tip.style.left=Math.max(4,Math.min(innerWidth-w-8,e.clientX+16))+"px";
  tip.style.top=Math.max(4,Math.min(innerHeight-h-8,e.clientY+16))+"px";
}}
function hide(){{tip.style.display="none";
  for(const c of document.querySelectorAll(".cursor")){{c.setAttribute("x1",-9);c.setAttribute("x2",-9)}}}}
for(const svg of charts){{svg.addEventListener("mousemove",e=>show(e,svg));svg.addEventListener("mouseleave",hide)}}
</script></body></html>
"""
