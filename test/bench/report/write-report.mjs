import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineChart } from './charts.mjs';
import { bySize, cost } from './http-tables.mjs';
import { growth, inProcess, lostUpdates, memory } from './other-tables.mjs';
import { distinct, samples } from './samples.mjs';

/**
 * Writes the figures into `performance.md` in `folder`, between the marks of each table, and the charts beside it. The
 * text around the marks is written by hand. If the file is missing, one with marks only is made.
 * @returns {string} a line that says which files were written
 */
export function writeReport(results, folder) {
  const http = samples(results, 'http');
  const grown = samples(results, 'growth');
  const figures = {
    cost: [http, cost],
    'by-size': [http, bySize],
    'in-process': [samples(results, 'in-process'), inProcess],
    growth: [grown, growth],
    memory: [samples(results, 'memory'), memory],
    'lost-updates': [samples(results, 'lost-updates'), lostUpdates],
  };
  const file = join(folder, 'performance.md');
  let text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : Object.keys(figures)
        .map((name) => marks(name, ''))
        .join('\n\n');
  for (const [name, [measured, write]] of Object.entries(figures)) {
    if (measured.length === 0) continue;
    const place = new RegExp(`<!-- bench:${name} -->[^]*?<!-- /bench -->`);
    if (!place.test(text)) throw new Error(`${file} has no place for ${name}: <!-- bench:${name} --><!-- /bench -->`);
    text = text.replace(place, () => marks(name, write(measured)));
  }
  mkdirSync(join(folder, 'performance'), { recursive: true });
  writeFileSync(file, text.endsWith('\n') ? text : `${text}\n`);
  const charts = lineCharts(grown);
  for (const [name, svg] of Object.entries(charts)) writeFileSync(join(folder, 'performance', `${name}.svg`), svg);
  return `written: ${file} and ${Object.keys(charts).length} charts`;
}

const marks = (name, text) => `<!-- bench:${name} -->\n\n${text}\n\n<!-- /bench -->`;

function lineCharts(grown) {
  const charts = {};
  for (const [i, series] of distinct(grown, 'series').entries()) {
    const lines = {};
    for (const { node, path, point, cpuUs } of grown.filter((sample) => sample.series === series)) {
      (lines[`Node ${node}, ${path}`] ??= []).push([point, cpuUs]);
    }
    charts[`growth-${i + 1}`] = lineChart(`CPU µs per request by ${series}`, lines, {
      isLogarithmic: series.startsWith('bytes'),
    });
  }
  return charts;
}
