import type { Pattern } from './patterns.js';
import { Progress, type ProgressOutput } from './progress.js';
import type { RawFiles } from './raw-files.js';
import { Recording } from './recording.js';
import type { Size, Step } from './step.js';
import { type BalancerName, Topology } from './topology.js';

/** A pattern, and what is done to it. */
export interface Planned {
  readonly pattern: Pattern;
  readonly balancer: BalancerName;
  readonly step: Step;
}

/** All steps of these patterns, in an order in which neighbours can use the same servers. */
export function plan(
  patterns: readonly Pattern[],
  steps: readonly Step[],
  balancers: readonly BalancerName[],
  size: Size,
): Planned[] {
  return balancers.flatMap((balancer) =>
    patterns.flatMap((pattern) =>
      steps
        .filter((step) => step.appliesTo(pattern, balancer) && !(step.isLong && size.name === 'quick'))
        .map((step) => ({ pattern, balancer, step })),
    ),
  );
}

/**
 * Plays cells one after the other, and writes the raw file of each. A step that fails is written as failed, and the
 * next one gets new servers.
 * @param isKept whether the servers of the last step go on running. The caller stops them
 */
export async function play(
  cells: readonly Planned[],
  size: Size,
  raw: RawFiles,
  { isKept = false, out }: { readonly isKept?: boolean; readonly out?: ProgressOutput } = {},
): Promise<Topology | undefined> {
  const seconds = cells.reduce((sum, { step }) => sum + step.seconds[size.name], 0);
  const progress = new Progress({ steps: cells.length, seconds }, out);
  let servers: { readonly topology: Topology; readonly of: string } | undefined;
  for (const { pattern, balancer, step } of cells) {
    progress.begin(`${pattern.number} ${pattern.name} · ${step.title}`);
    const began = performance.now();
    const startedAt = new Date().toISOString();
    let recording = new Recording();
    let error: string | undefined;
    const wanted = JSON.stringify([pattern.name, balancer, step.topology ?? {}]);
    try {
      if (servers && servers.of !== wanted) {
        await servers.topology.stop();
        servers = undefined;
      }
      servers ??= { topology: await Topology.start(pattern, balancer, step.topology), of: wanted };
      const { topology } = servers;
      recording = new Recording();
      await step.play({ pattern, balancer, size, recording, topology });
      await recording.nameServers(topology.cluster);
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      await servers?.topology.stop();
      servers = undefined;
    }
    const ms = performance.now() - began;
    const cell = {
      kind: 'cell',
      pattern: pattern.name,
      step: step.name,
      balancer,
      size: size.name,
      startedAt,
    } as const;
    raw.write(cell, recording.samples, { kind: 'end', ms, ...(error !== undefined && { error }) });
    progress.end(step.seconds[size.name], ms, error);
  }
  if (isKept) return servers?.topology;
  await servers?.topology.stop();
  return undefined;
}
