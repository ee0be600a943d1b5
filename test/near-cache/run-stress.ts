import { setTimeout as pause } from 'node:timers/promises';
import { checkFinalAnswers } from './check-final-answers.js';
import { checkHistory } from './check-history.js';
import type { FinalAnswer } from './history.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { StressLoad, type StressLoadOptions } from './stress-load.js';
import { writeReport } from './write-report.js';
import type { Rule, Violation } from './violation.js';

export interface StressScenario extends Omit<StressLoadOptions, 'servers'> {
  readonly servers: readonly NearCacheServer[];

  /** A server without a near cache. Its answers are the stored state. */
  readonly judge: NearCacheServer;

  /** The staleness bound that the checker applies; 0 for `validate`. */
  readonly maxStalenessMs: number;
  readonly durationMs: number;

  /** A fault that happens while the clients work. It is over when the promise resolves. */
  readonly meanwhile?: (load: StressLoad) => Promise<void>;
}

export interface StressResult {
  readonly violations: readonly Violation[];

  /** The number of violations by rule; empty when all promises were kept. */
  readonly broken: Partial<Record<Rule, number>>;

  /** The number of requests by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;

  /** The share of answered requests that were served without asking the store first. */
  readonly unasked: number;

  /**
   * The number of reads that missed a write acknowledged before they were sent, and the longest time, in ms, since such
   * an acknowledgement.
   */
  readonly stale: number;
  readonly stalestMs: number;

  /**
   * The number of reads that lack a write which a failover of Redis has undone. Such writes were never acknowledged.
   */
  readonly undone: number;
  readonly finalAnswers: number;
}

/** A request may still have effects for this long after its client gave up. It exceeds every timeout of a request. */
const SETTLE_MS = 1_500;

/**
 * Lets clients work on a few sessions through all servers at once. Then it waits for silence, and checks every answer.
 */
export async function runStress({
  servers,
  judge,
  maxStalenessMs,
  durationMs,
  meanwhile = async () => undefined,
  ...options
}: StressScenario): Promise<StressResult> {
  const urls = servers.map(({ url }) => url);
  const load = new StressLoad({ ...options, servers: urls });
  try {
    await load.begin();
    const before = await servedBy(servers);
    await load.run(durationMs, () => meanwhile(load));
    const served = (await servedBy(servers)) - before;
    await pause(SETTLE_MS + maxStalenessMs);

    const answers: FinalAnswer[] = [];
    for (const as of ['somebody', 'a client', 'somebody'] as const)
      answers.push(...(await load.finalAnswers(urls, as)));
    const truths = await load.finalAnswers([judge.url], 'somebody');
    const stored = new Map(truths.map(({ session, seen }) => [session, seen]));

    const report = checkHistory(load.history, { maxStalenessMs });
    const violations = [...report.violations, ...checkFinalAnswers(load.history, stored, answers)];
    const outcomes = countedBy(load.history.requests, ({ outcome }) => outcome);
    const answered = load.history.requests.filter(({ kind, outcome }) => kind !== 'start' && outcome !== 'unknown');
    const result = {
      violations,
      broken: countedBy(violations, ({ rule }) => rule),
      outcomes,
      unasked: served / answered.length,
      stale: report.stale,
      stalestMs: report.stalestMs,
      undone: report.undone,
      finalAnswers: answers.length,
    };
    writeReport(result, load.history);
    return result;
  } finally {
    load.close();
  }
}

/** The number of requests that were served from copies without asking the store. */
async function servedBy(servers: readonly NearCacheServer[]): Promise<number> {
  const counts = await Promise.all(servers.map((server) => NearCacheServers.trustOf(server)));
  return counts.reduce((sum, { served }) => sum + served, 0);
}

function countedBy<T, K extends string>(items: Iterable<T>, keyOf: (item: T) => K): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}
