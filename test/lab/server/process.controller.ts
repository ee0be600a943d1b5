import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { Controller, Get } from '@nestjs/common';

let collecting = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collecting += duration;
}).observe({ entryTypes: ['gc'] });

/** Collects all garbage now. The flag that allows it is set when the server starts. */
export function collectGarbage(): void {
  (runInNewContext('gc') as () => void)();
}

@Controller('lab/process')
export class ProcessController {
  /** The heap after a collection, and what the process holds outside of it, in bytes. */
  @Get('memory')
  async memory(): Promise<{ heap: number; external: number; rss: number }> {
    collectGarbage();
    // What was only waiting for a turn of the loop goes with the second collection.
    await pause(50);
    collectGarbage();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed, external, rss };
  }

  /** The time that went into garbage collection so far, in ms. */
  @Get('gc')
  gc(): { ms: number } {
    return { ms: collecting };
  }
}
