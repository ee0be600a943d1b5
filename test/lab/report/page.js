// Draws the charts of the report. It is put into the page, behind uPlot; `charts` is the list of `charts.ts`.
/* global uPlot, charts */
const HEIGHT = 260;
const drawn = new Map();

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Shares of the distance between two categories. */
const GROUP = 0.8;

function draw(chart, width) {
  const host = document.getElementById(chart.id).querySelector('.plot');
  drawn.get(chart.id)?.destroy();
  drawn.set(chart.id, new uPlot(optionsOf(chart, width), dataOf(chart), host));
}

/** Bars of a group stand beside each other: each series has places of its own. */
function dataOf(chart) {
  if (chart.kind === 'stacked') return stacked(chart);
  if (chart.kind !== 'bars') return [chart.x, ...chart.series.map(({ values }) => values)];
  const xs = chart.x.flatMap((x) => chart.series.map((_, i) => x + offset(chart, i)));
  const places = xs.toSorted((a, b) => a - b);
  const columns = chart.series.map(({ values }, i) =>
    places.map((place) => {
      const at = chart.x.findIndex((x) => Math.abs(x + offset(chart, i) - place) < 1e-9);
      return at === -1 ? null : values[at];
    }),
  );
  return [places, ...columns];
}

const offset = ({ series }, i) => (series.length === 1 ? 0 : (i - (series.length - 1) / 2) * (GROUP / series.length));

/** The last series lies on top of the others: it is drawn first. */
function stacked({ x, series }) {
  const sums = x.map(() => 0);
  const layers = series.map(({ values }) => values.map((value, i) => (sums[i] += value ?? 0)));
  return [x, ...layers.toReversed()];
}

function optionsOf(chart, width) {
  const isBars = chart.kind === 'bars';
  const [text, line] = [style('text'), style('line')];
  const series = chart.series.map(({ label, colour }) => seriesOf(chart, label, style(colour)));
  const axis = {
    stroke: text,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: '12px system-ui',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, ...(isBars && { range: [-0.6, chart.x.length - 0.4] }) },
      y: {
        distr: chart.isLogarithmic ? 3 : 1,
        ...(!chart.isLogarithmic && { range: (_, __, most) => rangeOf(chart, most) }),
      },
    },
    axes: [
      {
        ...axis,
        label: chart.xLabel,
        labelSize: chart.xLabel ? 20 : 0,
        labelFont: '12px system-ui',
        ...(isBars && {
          splits: () => chart.x,
          values: () => chart.categories.map((name) => (width < 420 ? name.split(' ')[0] : name)),
          grid: { show: false },
        }),
      },
      { ...axis, label: chart.yLabel, labelSize: 20, labelFont: '12px system-ui', size: 56 },
    ],
    series: [{}, ...(chart.kind === 'stacked' ? series.toReversed() : series)],
    hooks: { draw: [(plot) => drawMarks(plot, chart, text), (plot) => drawIntervals(plot, chart, text)] },
  };
}

function rangeOf({ series }, most) {
  const highest = Math.max(most, ...series.flatMap(({ high = [] }) => high.filter((value) => value !== null)));
  return [0, highest > 0 ? highest * 1.05 : 1];
}

function seriesOf({ kind, series, x }, label, colour) {
  const base = { label, stroke: colour, width: 2, points: { show: false } };
  if (kind === 'steps') return { ...base, paths: uPlot.paths.stepped({ align: 1 }) };
  if (kind === 'stacked') return { ...base, width: 1, fill: colour, paths: uPlot.paths.stepped({ align: 1 }) };
  if (kind !== 'bars') return base;
  const size = series.length > 1 ? 0.9 : x.length > 1 ? 0.5 : 0.2;
  return { ...base, width: 0, fill: colour, paths: uPlot.paths.bars({ size: [size, 60] }) };
}

function drawMarks(plot, { marks = [] }, colour) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.font = `${12 * devicePixelRatio}px system-ui`;
  ctx.setLineDash([4, 4]);
  for (const [i, { x }] of marks.entries()) {
    const at = plot.valToPos(x, 'x', true);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(`${i + 1}`, at + 3, bbox.top + 12 * devicePixelRatio);
  }
  ctx.restore();
}

function drawIntervals(plot, { kind, series, x, ...chart }, colour) {
  if (kind !== 'bars') return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const [i, { low = [], high = [] }] of series.entries())
    for (const [at, place] of x.entries()) {
      if (low[at] === null || high[at] === null || low[at] === undefined) continue;
      const px = plot.valToPos(place + offset({ series, ...chart }, i), 'x', true);
      ctx.beginPath();
      ctx.moveTo(px, plot.valToPos(low[at], 'y', true));
      ctx.lineTo(px, plot.valToPos(high[at], 'y', true));
      ctx.stroke();
    }
  ctx.restore();
}

function drawAll() {
  for (const chart of charts) {
    const host = document.getElementById(chart.id);
    // Charts in a closed section have no width yet.
    const width = host.querySelector('.plot').clientWidth;
    if (width > 0) draw(chart, width);
  }
}

drawAll();
let waiting;
addEventListener('resize', () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 100);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
for (const details of document.querySelectorAll('details')) details.addEventListener('toggle', drawAll);
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const chart of charts) draw(chart, 330);
});
addEventListener('afterprint', drawAll);
