import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

/** How late the event loop was since it was last asked, and how busy. Stop it. */
export class EventLoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private before: EventLoopUtilization = performance.eventLoopUtilization();

  constructor() {
    this.histogram.enable();
  }

  /** In seconds, since the last call, by quantile; and the share of the time that the event loop was busy, 0 to 1. */
  take(): { readonly p50: number; readonly p99: number; readonly max: number; readonly utilization: number } {
    const { histogram } = this;
    const { utilization } = performance.eventLoopUtilization(this.before);
    this.before = performance.eventLoopUtilization();
    const isEmpty = histogram.count === 0;
    const [p50, p99] = [lateness(histogram.percentile(50)), lateness(histogram.percentile(99))];
    const max = lateness(histogram.max);
    histogram.reset();
    return isEmpty ? { p50: 0, p99: 0, max: 0, utilization } : { p50, p99, max, utilization };
  }

  stop(): void {
    this.histogram.disable();
  }
}

/** Node measures the time from beat to beat, in ns, with the 10 ms that are no delay. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}
