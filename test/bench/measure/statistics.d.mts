export function median(values: readonly number[]): number;

export function medianWithInterval(
  values: readonly number[],
  resamples?: number,
): { readonly median: number; readonly low: number; readonly high: number; readonly count: number };
