import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contestants } from '../apps/contestants.mjs';
import { SIZES } from '../http/blocks.mjs';

/** What a part of the benchmark has measured; empty when it was not run. */
export function samples(results, part) {
  const file = join(results, `${part}.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** What is measured again stands behind what was not: tables have an order of their own. */
const ORDER = {
  size: Object.keys(SIZES),
  name: contestants.map(({ name }) => name),
};

/** The distinct values of a field: contestants and sizes in the order of the tables, all else in the order in which it was first measured. */
export function distinct(list, field) {
  const values = [...new Set(list.map((sample) => sample[field]))];
  const order = ORDER[field];
  return order ? values.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)) : values;
}
