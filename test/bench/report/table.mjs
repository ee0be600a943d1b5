/** A Markdown table. @param {string[]} head @param {string[][]} rows */
export function table(head, rows) {
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** `1.23 [1.10–1.40]`; a dash where nothing was measured. */
export function withInterval(interval, digits = 2) {
  if (!interval) return '–';
  const [median, low, high] = [interval.median, interval.low, interval.high].map((value) => value.toFixed(digits));
  return `${median} [${low}–${high}]`;
}

export const number = (value, digits = 0) =>
  value === undefined || Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const line = (cells) => `| ${cells.join(' | ')} |`;
