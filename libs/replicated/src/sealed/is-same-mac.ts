import { timingSafeEqual } from 'node:crypto';

/** Takes the same time wherever they differ. */
export function isSameMac(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
