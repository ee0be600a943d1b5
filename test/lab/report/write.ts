import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { RawFiles } from '../raw-files.js';
import { figuresOf } from './figures.js';
import { htmlOf } from './html.js';
import { markdownOf } from './markdown.js';

/** Writes both reports of all raw files of a run. @returns their files */
export function writeReports(raw: RawFiles, directory: string): string[] {
  const figures = figuresOf(raw.read());
  const reports = { 'report.md': markdownOf(figures, machine()), 'report.html': htmlOf(figures, machine()) };
  return Object.entries(reports).map(([name, text]) => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  });
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${availableParallelism()} cores (${model}), ${memory} GB, Node ${process.versions.node}`;
}
