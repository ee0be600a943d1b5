/**
 * How often a test repeats what it claims, or for which cases: `few` of them in `npm test`, `many` in
 * `npm run test:stress`.
 */
export function rounds<T>(few: T, many: T): T {
  return process.env['STRESS'] === undefined ? few : many;
}
