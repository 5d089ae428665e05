"""How the page looks: on a screen by day and by night, and on paper."""

from typing import Final

from study.reports.page.markup import Html

STYLESHEET: Final = Html("""
:root { color-scheme: light dark; --ink: #1d2329; --soft: #5b6670; --line: #dfe3e7; --edge: #7b858e;
  --page: #f6f7f8; --card: #ffffff; --accent: #0072b2; --warn: #fff4d6; --warn-line: #e0b040; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --soft: #9aa5af; --line: #343b42;
  --edge: #7f8a94; --page: #15181b; --card: #1e2226; --accent: #6cb8ea; --warn: #3a3013;
  --warn-line: #8a6d20; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 3rem 0 .75rem; padding-top: 1.25rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere; }
p, ul, dl { max-width: 48rem; }
a { color: var(--accent); }
.soft { color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 1.25rem 0 0; font-size: .9rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
.summary { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1rem 1.5rem 1.25rem; margin-top: 1.5rem; }
.summary h2 { border: 0; padding: 0; margin: .25rem 0 .5rem; }
.summary p { max-width: none; overflow-wrap: anywhere; }
.notice { background: var(--warn); border: 1px solid var(--warn-line); border-radius: 10px;
  padding: .75rem 1.25rem; margin-top: 1.25rem; }
.notice p { margin: .25rem 0; max-width: none; }
progress { width: 100%; height: .7rem; accent-color: var(--accent); }
figure { margin: 1rem 0 1.5rem; background: #fff; color: #222; border: 1px solid var(--line);
  border-radius: 10px; padding: 1rem 1rem .75rem; break-inside: avoid; color-scheme: light; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .85rem; color: #555; margin-top: .5rem; }
figcaption a { color: #00598c; }
.scroll { overflow-x: auto; margin: .75rem 0 1.25rem; }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.4;
  font-variant-numeric: tabular-nums; }
.compact { font-size: .82rem; } .compact th, .compact td { padding-right: .5rem; }
.compact .number { padding-left: .2rem; } .compact .interval { font-size: .74rem; }
.compact .id { font-size: .75rem; } .compact caption { font-size: .88rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; }
th, td { padding: .32rem 1rem .32rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
.keys td { overflow-wrap: anywhere; }
tbody th { font-weight: 500; }
tbody + tbody { border-top: 2px solid var(--line); }
.number { text-align: right; padding-left: .6rem; }
td.number { white-space: nowrap; }
.id { white-space: nowrap; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .8rem; }
.keys th { font-weight: 500; color: var(--soft); white-space: nowrap; }
details { margin: .6rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem;
  overflow-x: auto; font: .82rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
form { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; }
form[hidden] { display: none; }
fieldset { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: 0; border: 1px solid var(--line);
  border-radius: 8px; padding: .35rem .8rem .7rem; }
legend { color: var(--soft); font-size: .82rem; padding: 0 .3rem; }
label { display: grid; font-size: .85rem; }
input, select, button { font: inherit; font-size: .9rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--edge); border-radius: 6px; padding: .25rem .5rem; }
input[type=number] { width: 8.5rem; }
select { max-width: 14rem; }
button { cursor: pointer; }
th button { border: 0; padding: 0; background: none; color: inherit; font-weight: 600; text-align: inherit;
  text-decoration: underline dotted; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
td button { border: 0; padding: 0; background: none; font: inherit; text-decoration: underline dotted; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[aria-invalid=true] { border-color: var(--warn-line); border-width: 2px; }
.said { font-weight: 600; }
.chosen td { background: var(--warn); font-weight: 600; }
code { font: .85rem ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; user-select: all; }
.interval { color: var(--soft); font-size: .8rem; white-space: nowrap; }
.bar { display: inline-block; height: .6rem; margin-left: .5rem; background: var(--accent);
  print-color-adjust: exact; }
dt { font-weight: 600; margin-top: .6rem; }
dd { margin: 0 0 0 1.25rem; }
@media print { :root { --ink: #000; --soft: #444; --line: #ccc; --edge: #888; --page: #fff; --card: #fff;
    --accent: #000; --warn: #fff; --warn-line: #888; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } nav, button, form { display: none; }
  th button, td button { display: inline; text-decoration: none; font-size: inherit; }
  .scroll { overflow: visible; } td.number { white-space: normal; }
  table { font-size: .72rem; } .compact { font-size: .66rem; } .compact .interval { font-size: .58rem; }
  .compact .id { font-size: .58rem; } .compact th, .compact td { padding-right: .3rem; }
  h2, h3, caption, thead { break-after: avoid; } tr, figure { break-inside: avoid; } }
""")
