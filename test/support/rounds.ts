/** How often a test repeats what it claims: `few` times in `npm test`, `many` times in `npm run test:stress`. */
export function rounds(few: number, many: number): number {
  return process.env['STRESS'] === undefined ? few : many;
}
