const LINES = ['#2563eb', '#dc2626', '#059669', '#d97706'];

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const frame = (width, height, title, body) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif"` +
  ` font-size="12" role="img" aria-label="${escape(title)}">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="12" y="22" font-size="14" font-weight="600" fill="#111827">${escape(title)}</text>
${body.join('\n')}
</svg>
`;

/**
 * A line chart. The x axis is logarithmic. The y axis starts at 0, or is logarithmic where only that shows a straight
 * line.
 * @param {Record<string, [number, number][]>} lines by name
 */
export function lineChart(title, lines, { isLogarithmic = false } = {}) {
  const [left, right, top, bottom, width, height] = [60, 150, 44, 40, 760, 320];
  const all = Object.values(lines).flat();
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const x = scale(xs, left, width - right, true);
  const y = scale(ys, height - bottom, top, isLogarithmic, isLogarithmic ? undefined : 0);
  const body = [...new Set(xs)].map(
    (value) =>
      `<text x="${x(value).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle"` +
      ` fill="#6b7280">${value.toLocaleString('en')}</text>`,
  );
  const most = Math.max(...ys);
  for (const value of isLogarithmic ? [Math.min(...ys), most] : [0, most / 2, most]) {
    body.push(
      `<text x="${left - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end"` +
        ` fill="#6b7280">${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')}</text>`,
      `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"` +
        ` stroke="#e5e7eb"/>`,
    );
  }
  for (const [i, [name, points]] of Object.entries(lines).entries()) {
    const colour = LINES[i % LINES.length];
    const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
    const [lastX, lastY] = points.at(-1);
    body.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(([px, py]) => `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour}"/>`),
      `<text x="${(x(lastX) + 8).toFixed(1)}" y="${(y(lastY) + 4).toFixed(1)}" fill="${colour}">${escape(name)}</text>`,
    );
  }
  return frame(width, height, title, body);
}

/** @returns a function that gives the position of a value between `from` and `to` */
function scale(values, from, to, isLog, least = Math.min(...values)) {
  const map = isLog ? Math.log10 : (value) => value;
  const [low, high] = [map(least), map(Math.max(...values))];
  return (value) => from + ((map(value) - low) / (high - low || 1)) * (to - from);
}
