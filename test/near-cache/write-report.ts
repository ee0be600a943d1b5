import { appendFileSync } from 'node:fs';
import type { History } from './history.js';
import type { StressResult } from './run-stress.js';

/**
 * With `STRESS_REPORT=<file>`, appends the figures of a run to that file as one line of JSON. If a promise was broken,
 * it also appends all requests of the first such session, in the order in which they were sent.
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
