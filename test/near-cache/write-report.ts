import { appendFileSync } from 'node:fs';
import type { History } from './history.js';
import type { StressResult } from './run-stress.js';

/**
 * With `STRESS_REPORT=<file>`: appends the figures of a run to it, one line of JSON, and where a promise was broken,
 * everything that the clients of the first such session asked, in the order they asked it.
 */
export function writeReport({ violations, ...figures }: StressResult, { requests, wipes }: History): void {
  const file = process.env['STRESS_REPORT'];
  if (!file) return;
  appendFileSync(file, `${JSON.stringify(figures)}\n`);
  const [first] = violations;
  if (!first) return;
  for (const violation of violations.slice(0, 10)) appendFileSync(file, `${JSON.stringify(violation)}\n`);
  const related = requests.filter(({ session }) => session === first.session).toSorted((a, b) => a.start - b.start);
  for (const event of [...related, ...wipes]) appendFileSync(file, `  ${JSON.stringify(event)}\n`);
}
