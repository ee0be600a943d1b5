import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time of all threads of a process, in microseconds. It comes from the scheduler's statistics, which count
 * nanoseconds instead of clock ticks.
 */
export function cpuTimeUs(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return nanoseconds / 1000;
}
