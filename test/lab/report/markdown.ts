import type { Figures } from './figures.js';
import { type Table, detailTables, summaryTables } from './tables.js';
import { HOW_SURE } from './texts.js';

/** The report as Markdown: the table of architectures first. */
export function markdownOf(figures: readonly Figures[], machine: string): string {
  const parts = figures.flatMap((one) => [
    `## ${one.balancer === 'nginx' ? 'nginx' : 'HAProxy'}`,
    `${one.startedAt.slice(0, 10)}, size \`${one.size}\`, ${machine}.\n${HOW_SURE}`,
    ...[...summaryTables(one), ...detailTables(one)].flatMap((table) => [
      `### ${table.title}`,
      wrapped(table.note),
      rowsOf(table),
    ]),
  ]);
  return `# The pattern lab\n\n${parts.filter(Boolean).join('\n\n')}\n`;
}

function rowsOf({ head, rows }: Table): string {
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.map(({ text }) => text)))].join('\n');
}

/** Prose of the documentation has lines of up to 120 columns. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,118})(?: |$)/g, '$1\n').trimEnd();
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
