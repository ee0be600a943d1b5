import type { TimingPhase } from './timing-phase.js';
import { performance } from 'node:perf_hooks';
import { sessionHash } from '../store/session-id.js';
import type { RequestFacts } from './request-facts.js';
import type { RequestTiming } from './request-timing.js';

/**
 * Where the time of one request went: published once, when its response is over or its client has left. Contains no
 * session id, no path and nothing else that a client chose, except `requestId`.
 */
export interface SessionRequestRecord {
  /** Name of this server. */
  readonly nodeName: string | undefined;

  /** `CountController.count`; undefined where none was found (404), or where code in front of our guard answered. */
  readonly handler: string | undefined;

  readonly method: string;
  readonly status: number;

  /** The response was sent to its end. False: the client left before. */
  readonly isComplete: boolean;

  /** Header `X-Request-Id`, as a balancer sets it: up to 36 letters, digits and dashes; otherwise undefined. */
  readonly requestId: string | undefined;

  /** 8 characters that tell the session apart, as logs have them; undefined where there is none. */
  readonly session: string | undefined;

  /** When it arrived, in ms since 1970 by the clock of this server. */
  readonly startedAt: number;

  /** The estimated time in the queue and all that was measured: the sum of the phases. */
  readonly durationSeconds: number;

  /** What each phase took. */
  readonly phaseSeconds: Readonly<Record<TimingPhase, number>>;

  /**
   * Requests that were ahead of it when it arrived, under way or read in the same turn of the event loop. Stands for
   * the length of a queue.
   */
  readonly pending: number;

  /** UTF-8 bytes: of the session, of its parts that were loaded from the store, and of those that were stored. */
  readonly bytes: { readonly session: number; readonly loaded: number; readonly saved: number };

  /** Stored name of the largest part of the session. */
  readonly largestBean: string | undefined;

  /** Stored names of the beans that were touched, and of those that were changed. */
  readonly touched: readonly string[];
  readonly changed: readonly string[];

  /** `hit`: served without asking the store. `validated`: the store has nothing newer. `miss`: loaded. */
  readonly cache: 'hit' | 'validated' | 'miss' | undefined;

  /** Changes that were refused because another request had changed the same. */
  readonly conflicts: number;

  /** How often a save was sent again because another server was quicker. */
  readonly retries: number;

  /** The client brought no id, an id alone, one with the route of a server, or with a primary and its backup. */
  readonly locator: 'none' | 'id' | 'route' | 'primary-backup';

  /** It named another server than this one first: the balancer did not follow it, or could not. */
  readonly isMisrouted: boolean;

  /** Calls that the handler made, by name: how many, and the sum of their seconds. They may have overlapped. */
  readonly downstream: readonly { readonly name: string; readonly calls: number; readonly seconds: number }[];
}

/** Zero of the clock that requests are measured with, in ms since 1970. */
const ORIGIN = performance.timeOrigin;

/** The record of a request that is over. */
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

/** Facts of a finished request that only the transport knows. */
export interface RequestEnd {
  readonly method: string;
  readonly status: number;
  readonly isComplete: boolean;
  readonly requestId: string | undefined;
}

/**
 * A finished request, as listeners of its application see it. Its record is made when it is read: metrics need less.
 */
export class FinishedRequest {
  private made: SessionRequestRecord | undefined;

  constructor(
    readonly timing: RequestTiming,
    readonly end: RequestEnd,
    private readonly nodeName: string | undefined,
  ) {}

  get record(): SessionRequestRecord {
    return (this.made ??= recordOf(this.timing, this.nodeName, this.end));
  }

  get isMisrouted(): boolean {
    return this.timing.facts.isMisrouted(this.nodeName);
  }
}
