export function cpuTimeUs(pid: number): number;
