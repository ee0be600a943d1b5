import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TimingPhase } from 'nestjs-session-beans/observability';

const SCRIPT = 'deploy/observability/join-logs.mjs';
const run = promisify(execFile);

/**
 * One request in the logs of its balancer and its server. Fields of the server's record are undefined without a record.
 * Times are in ms.
 */
export interface JoinedRequest {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly server: string;
  readonly route?: string;
  readonly status: number;
  readonly total: number;
  /** Until the client had sent the head of its request; only HAProxy tells. */
  readonly receive?: number;
  readonly balancerQueue: number;
  readonly connect: number;
  /** The time that neither the balancer nor the server accounts for. */
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

/** The script's result for these log files. */
export async function joinLogs(
  files: readonly string[],
): Promise<{ readonly servers: readonly JoinedServer[]; readonly requests: readonly JoinedRequest[] }> {
  const { stdout } = await run(process.execPath, [SCRIPT, '--json', ...files], { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Awaited<ReturnType<typeof joinLogs>>;
}

/** The tables that the script prints for an operator. */
export async function joinedTables(files: readonly string[]): Promise<string> {
  return (await run(process.execPath, [SCRIPT, ...files])).stdout;
}
