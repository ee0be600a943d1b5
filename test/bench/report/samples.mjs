import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contestants } from '../apps/contestants.mjs';
import { SIZES } from '../http/blocks.mjs';

/** The samples that a part of the benchmark has saved; empty if the part never ran. */
export function samples(results, part) {
  const file = join(results, `${part}.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** A repeated measurement is appended to the file, so the tables cannot rely on the order there. */
const ORDER = {
  size: Object.keys(SIZES),
  name: contestants.map(({ name }) => name),
};

/**
 * The distinct values of a field. Contestants and sizes come in the order of the tables, other values in the order in
 * which they were first measured.
 */
export function distinct(list, field) {
  const values = [...new Set(list.map((sample) => sample[field]))];
  const order = ORDER[field];
  return order ? values.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)) : values;
}
