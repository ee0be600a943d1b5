import type { RequestTiming } from '../../timing/request-timing.js';
import { TIMING_PHASES } from '../../timing/timing-phase.js';

/**
 * The value of the header `Server-Timing` at the moment: in ms, what is known while the head is being written, so all phases but `response`. Those that
 * took less than 10 microseconds are left out.
 *
 * @see https://www.w3.org/TR/server-timing/
 */
export function serverTiming(timing: RequestTiming, node: string | undefined): string {
  timing.settle();
  const metrics: string[] = [];
  for (const phase of TIMING_PHASES) {
    const ms = timing.spentMs(phase);
    if (ms >= 0.01) metrics.push(`${phase};dur=${ms.toFixed(2)}`);
  }
  metrics.push(`total;dur=${timing.totalMs.toFixed(2)}`);
  if (timing.facts.cache) metrics.push(`cache;desc=${timing.facts.cache}`);
  if (node !== undefined) metrics.push(`node;desc="${node}"`);
  return metrics.join(', ');
}
