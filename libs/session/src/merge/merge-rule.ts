/** The rules that have a name. */
export const MERGE_RULES = ['sum', 'max', 'min', 'union', 'append', 'latest', 'reject'] as const;

/**
 * What it means when two overlapping requests changed the same field:
 *
 * - `sum`: both differences count (numbers, bigints)
 * - `max`, `min`: the larger, the smaller (numbers, bigints, strings, Dates)
 * - `union`: what either added, without what either removed (Sets, and arrays used as sets)
 * - `append`: what mine appended goes behind theirs (arrays)
 * - `latest`: the later commit wins
 * - `reject`: always 409, even when both wrote the same
 * - a function of (base, mine, theirs) that returns the merged value
 */
export type MergeRule = (typeof MERGE_RULES)[number] | ((base: unknown, mine: unknown, theirs: unknown) => unknown);
