import type { Interval } from './intervals.js';

const DASH = '–';

/** Says how to read the figures of a report. */
export const HOW_SURE = 'Brackets: where another run would be. Figures without them were measured once.';

/** `1.2 [1.1–1.4]`; a dash where nothing was measured, no brackets where one measurement is all there is. */
export function withInterval(interval: Interval | undefined, digits: number, factor = 1): string {
  if (!interval || Number.isNaN(interval.value)) return DASH;
  const [value, low, high] = [interval.value, interval.low, interval.high].map((one) => fixed(one * factor, digits));
  return Number.isNaN(interval.low) ? `${value}` : `${value} [${low}–${high}]`;
}

export function percent(interval: Interval | undefined): string {
  if (!interval) return DASH;
  const bounds = `${fixed(interval.low * 100, 0)}–${fixed(interval.high * 100, 0)}`;
  return `${fixed(interval.value * 100, 0)} % [${bounds}]`;
}

export function short(value: number | undefined, digits: number, unit = ''): string {
  if (value === undefined || Number.isNaN(value)) return DASH;
  return value === Infinity ? 'never' : `${fixed(value, digits)}${unit}`;
}

/** Seconds, or `never`. */
export function after(seconds: number): string {
  return short(seconds, 1, ' s');
}

export function fixed(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
