import { readFileSync, readdirSync } from 'node:fs';
import { cpuTimeUs } from '../bench/measure/cpu-time.mjs';

/** Figures of processes as the kernel of Linux has them. Of a process that has ended they are 0. */
const PAGE_BYTES = 4_096;

/** The CPU time of a process and of its children, in µs. */
export function cpuTimeOf(pid: number): number {
  try {
    return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuTimeUs(one), 0);
  } catch {
    return 0;
  }
}

/** The resident memory of a process and of its children, in bytes. */
export function memoryOf(pid: number): number {
  try {
    return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + residentPages(one) * PAGE_BYTES, 0);
  } catch {
    return 0;
  }
}

function residentPages(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
}

/** How many connections each of these ports of 127.0.0.1 has. */
export function connectionsOf(ports: readonly number[]): Map<number, number> {
  const counts = new Map(ports.map((port) => [port, 0]));
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (state === '01' && counts.has(port)) counts.set(port, (counts.get(port) ?? 0) + 1);
  }
  return counts;
}

/** Of nginx, whose workers are children. This process starts all others, and counts for itself. */
function childrenOf(pid: number): number[] {
  if (pid === process.pid) return [];
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
