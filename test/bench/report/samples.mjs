import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a part of the benchmark has measured; empty when it was not run. */
export function samples(results, part) {
  const file = join(results, `${part}.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** The distinct values of a field, in the order in which they were first measured. */
export const distinct = (list, field) => [...new Set(list.map((sample) => sample[field]))];
