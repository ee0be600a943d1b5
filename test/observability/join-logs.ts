import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TimingPhase } from 'nestjs-session-beans/observability';

const SCRIPT = 'deploy/observability/join-logs.mjs';
const run = promisify(execFile);

/**
 * A request as its balancer and its server saw it; what is only in the server's record is undefined without one. Times
 * in ms.
 */
export interface JoinedRequest {
  readonly id: string;
  readonly server: string;
  readonly route?: string;
  readonly status: number;
  readonly total: number;
  readonly balancerQueue: number;
  readonly connect: number;
  /** Neither balancer nor server accounts for it. */
  readonly between?: number;
  readonly connections: number;
  readonly serverConnections?: number;
  readonly handler?: string;
  readonly pending?: number;
  readonly phases?: Readonly<Record<TimingPhase, number>>;
}

export interface JoinedServer {
  readonly server: string;
  readonly requests: number;
  readonly share: number;
  readonly mostPending: number;
}

/** What the script makes of these logs. */
export async function joinLogs(
  files: readonly string[],
): Promise<{ readonly servers: readonly JoinedServer[]; readonly requests: readonly JoinedRequest[] }> {
  const { stdout } = await run(process.execPath, [SCRIPT, '--json', ...files], { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Awaited<ReturnType<typeof joinLogs>>;
}

/** The tables that an operator sees. */
export async function joinedTables(files: readonly string[]): Promise<string> {
  return (await run(process.execPath, [SCRIPT, ...files])).stdout;
}
