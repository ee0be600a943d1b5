import { performance } from 'node:perf_hooks';
import { sessionHash } from '../store/session-id.js';
import type { RequestFacts } from './request-facts.js';
import type { RequestEnd } from './request-end.js';
import type { RequestTiming } from './request-timing.js';
import type { SessionRequestRecord } from './session-request-record.js';
import type { TimingPhase } from './timing-phase.js';

/** Of the clock that requests are measured with. */
const ORIGIN = performance.timeOrigin;

/** What is published of a request that is over. */
export function recordOf(timing: RequestTiming, nodeName: string | undefined, end: RequestEnd): SessionRequestRecord {
  const { facts } = timing;
  return {
    nodeName,
    handler: facts.handler,
    method: end.method,
    status: end.status,
    isComplete: end.isComplete,
    requestId: end.requestId,
    session: facts.key === undefined ? undefined : sessionHash(facts.key),
    startedAt: ORIGIN + timing.arrival.at - timing.arrival.delay,
    durationSeconds: timing.totalMs / 1_000,
    phaseSeconds: phaseSecondsOf(timing),
    pending: timing.pending,
    bytes: { session: facts.sessionBytes, loaded: facts.loadedBytes, saved: facts.savedBytes },
    largestBean: facts.largestPart,
    touched: facts.touched,
    changed: facts.changed,
    cache: facts.cache,
    conflicts: facts.conflicts,
    retries: facts.retries,
    locator: locatorKind(facts),
    isMisrouted: facts.isMisrouted(nodeName),
    downstream: facts.downstream.map(({ name, calls, ms }) => ({ name, calls, seconds: ms / 1_000 })),
  };
}

function phaseSecondsOf(timing: RequestTiming): Record<TimingPhase, number> {
  const of = (phase: TimingPhase): number => timing.spentMs(phase) / 1_000;
  return {
    queue: of('queue'),
    framework: of('framework'),
    sessionLoad: of('sessionLoad'),
    lockWait: of('lockWait'),
    decode: of('decode'),
    application: of('application'),
    downstream: of('downstream'),
    encode: of('encode'),
    sessionSave: of('sessionSave'),
    response: of('response'),
  };
}

function locatorKind({ hasPresented, locator }: RequestFacts): SessionRequestRecord['locator'] {
  if (!hasPresented) return 'none';
  if (locator === undefined) return 'id';
  return locator.includes('.') ? 'primary-backup' : 'route';
}
