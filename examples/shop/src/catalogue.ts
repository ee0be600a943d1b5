/** Prices in cents, by article. A real shop has them in a database. */
export const CATALOGUE: ReadonlyMap<string, number> = new Map([
  ['tea', 350],
  ['coffee', 420],
  ['cake', 500],
]);
