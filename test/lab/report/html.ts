import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Chart, type Section, chartsOf } from './charts.js';
import type { Figures } from './figures.js';
import { type Table, detailTables, summaryTables } from './tables.js';
import { HOW_SURE } from './texts.js';

const SECTIONS: readonly { readonly name: Section; readonly title: string; readonly text: string }[] = [
  {
    name: 'speed',
    title: 'Speed',
    text:
      'Eight clients ask at once, each for the next page when it has the one before. The thin lines are intervals: ' +
      'another round of the same load would be within them in 19 of 20 cases.',
  },
  {
    name: 'balancing',
    title: 'Distribution over servers',
    text: 'Sticky patterns can place a client only once. Who is there already stays, whoever joins.',
  },
  {
    name: 'survival',
    title: 'Survival of sessions',
    text:
      'The share of the sessions that their clients find again, while servers or the store are killed, restarted, or ' +
      'cut off.',
  },
  {
    name: 'faults',
    title: 'What clients saw',
    text: 'Each fault as a timeline. Numbered lines are what the lab did; they are explained below each chart.',
  },
  {
    name: 'resources',
    title: 'Memory and CPU',
    text: 'Memory is that of the heaps after a collection of garbage, and of Redis. CPU is what the kernel counted.',
  },
];

/** The report as one page, which needs nothing but itself. */
export function htmlOf(figures: readonly Figures[], machine: string): string {
  const charts = figures.flatMap(chartsOf);
  const plot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const library = readFileSync(join(plot, 'dist/uPlot.iife.min.js'), 'utf8');
  // Four digits are more than can be seen. Text in a script must not end it.
  const data = JSON.stringify(charts, fourDigits).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The pattern lab</title>
<style>${readFileSync(join(plot, 'dist/uPlot.min.css'), 'utf8')}</style>
<style>${own('page.css')}</style>
</head>
<body>
<h1>The pattern lab: session architectures, measured</h1>
<p>Real servers of the sample application behind a real balancer, and with a real Redis where the pattern has one. Each
architecture was measured, and then broken. Every figure comes from a raw file of this run, whose name stands beside
it.</p>
${figures.map((one) => sectionOf(one, charts, machine, figures.length > 1)).join('\n')}
<script>${library}</script>
<script>const charts = ${data};</script>
<script type="module">${own('page.js')}</script>
</body>
</html>
`;
}

function fourDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}

function own(file: string): string {
  return readFileSync(join(import.meta.dirname, file), 'utf8');
}

function sectionOf(figures: Figures, all: readonly Chart[], machine: string, isOneOfMany: boolean): string {
  const { balancer, size, startedAt } = figures;
  const name = balancer === 'nginx' ? 'nginx' : 'HAProxy';
  const moment = startedAt.slice(0, 16).replace('T', ' ');
  const charts = all.filter(({ id }) => id.startsWith(`${balancer}-`));
  const anchors = SECTIONS.filter((section) => charts.some((chart) => chart.section === section.name));
  const links = anchors.map((section) => `<a href="#${balancer}-${section.name}">${section.title}</a>`).join('');
  return `${isOneOfMany ? `<h2>Behind ${name}</h2>` : ''}
<p class="note">${name}; ${escape(moment)} UTC; size <code>${size}</code>; ${escape(machine)}. ${HOW_SURE}</p>
<nav>${links}<a href="#${balancer}-tables">All tables</a></nav>
${summaryTables(figures).map(tableOf).join('\n')}
${anchors
  .map(
    (section) => `<h2 id="${balancer}-${section.name}">${section.title}</h2>
<p>${section.text}</p>
<div class="charts">${charts
      .filter((chart) => chart.section === section.name)
      .map(figureOf)
      .join('\n')}</div>`,
  )
  .join('\n')}
<h2 id="${balancer}-tables">All tables</h2>
${detailTables(figures).map(tableOf).join('\n')}`;
}

function figureOf({ id, title, series, marks = [], files }: Chart): string {
  const sources = files.length > 3 ? `raw/…${commonEnd(files)}` : files.map((file) => `raw/${file}`).join(', ');
  const legend = series.map(({ label, colour }) => `<span style="--colour: var(--${colour})">${escape(label)}</span>`);
  const said = marks.map(({ x, text }) => `<li>${escape(text)} (${x.toFixed(1)} s)</li>`).join('');
  return `<figure id="${id}">
<figcaption>${escape(title)}</figcaption>
<div class="legend">${legend.join('')}</div>
<div class="plot"></div>
${said === '' ? '' : `<ol class="marks">${said}</ol>`}
<div class="files">${escape(sources)}</div>
</figure>`;
}

/** `-speed.jsonl`, of the files of all patterns. */
function commonEnd(files: readonly string[]): string {
  return `-${files[0]?.split('-').slice(2).join('-') ?? ''}`;
}

function tableOf({ title, note, head, rows }: Table): string {
  const heads = head.map((text) => `<th scope="col">${escape(text)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map(
      ({ text, grade }, i) => `<td class="${grade}" data-head="${escape(head[i] ?? '')}">${escape(text)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<h3>${escape(title)}</h3>
<p class="note">${escape(note).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</p>
<table><thead><tr>${heads}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
