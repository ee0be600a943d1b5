/** A figure, and between which bounds another run of the same lab would find it, in 19 of 20 runs. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;

  /** How many measurements it is of. */
  readonly count: number;
}

/** The 97.5 % points of Student's distribution, by degrees of freedom. */
const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];

/** The mean of a few measurements. One measurement alone has no bounds. */
export function meanOf(values: readonly number[]): Interval | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { value: mean, low: NaN, high: NaN, count };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  // One more measurement would be within these bounds: a run of the lab is one more, not the mean of many.
  const half = (T[count - 2] ?? 2) * Math.sqrt(variance * (1 + 1 / count));
  return { value: mean, low: Math.max(0, mean - half), high: mean + half, count };
}

/** A share, with the interval of Wilson. */
export function shareOf(part: number, total: number): Interval | undefined {
  if (total === 0) return undefined;
  const z = 1.96;
  const share = part / total;
  const middle = (share + z ** 2 / (2 * total)) / (1 + z ** 2 / total);
  const half = (z / (1 + z ** 2 / total)) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half), count: total };
}

/** How unevenly a sum is spread: the standard deviation beside the mean. 0 is even; with three, 1.41 is all on one. */
export function variation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (mean === 0) return NaN;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) / mean;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
