import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

const NANOSECONDS = 1e9;

/** How late the event loop was since it was last asked, and how busy. Stop it. */
export class EventLoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  private before: EventLoopUtilization = performance.eventLoopUtilization();

  constructor() {
    this.histogram.enable();
  }

  /** In seconds, since the last call, by quantile; and the share of the time that the event loop was busy, 0 to 1. */
  take(): { readonly p50: number; readonly p99: number; readonly max: number; readonly utilization: number } {
    const { histogram } = this;
    const { utilization } = performance.eventLoopUtilization(this.before);
    this.before = performance.eventLoopUtilization();
    const p50 = histogram.percentile(50) / NANOSECONDS;
    const p99 = histogram.percentile(99) / NANOSECONDS;
    const max = histogram.max / NANOSECONDS;
    const isEmpty = histogram.count === 0;
    histogram.reset();
    return isEmpty ? { p50: 0, p99: 0, max: 0, utilization } : { p50, p99, max, utilization };
  }

  stop(): void {
    this.histogram.disable();
  }
}
