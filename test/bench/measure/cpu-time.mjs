import { readdirSync, readFileSync } from 'node:fs';

/** Time on a processor of all threads of a process, in microseconds, from the scheduler's own account (nanoseconds, not ticks). */
export function cpuTimeUs(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return nanoseconds / 1000;
}
