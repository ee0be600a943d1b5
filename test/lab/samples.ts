import type { RequestEvent } from '../near-cache/history.js';
import type { JoinedRequest } from '../observability/join-logs.js';
import type { BalancerName } from './topology.js';
import type { PatternName } from './patterns.js';

/** The first line of a raw file: which cell it is of. */
export interface CellSample {
  readonly kind: 'cell';
  readonly pattern: PatternName;
  readonly step: string;
  readonly balancer: BalancerName;

  /** `quick`, `normal` or `full`. */
  readonly size: string;
  readonly startedAt: string;
}

/** The last line. A file without one is of a step that was cut off. */
export interface EndSample {
  readonly kind: 'end';
  readonly ms: number;

  /** Why the step failed. */
  readonly error?: string;
}

/** One request of a client, in ms since the cell began. Status 0: the connection ended without an answer. */
export interface RequestSample {
  readonly kind: 'request';
  readonly t: number;
  readonly ms: number;
  readonly client: string;
  readonly page: string;
  readonly status: number;

  /** The number in the answer, and the one that the client was told last. */
  readonly number?: number;
  readonly told?: number;

  /** The server that answered in the end, by the balancer's log. */
  readonly server?: string;
}

/** What the lab did to the servers. `isFault` marks the moment of the fault itself. */
export interface EventSample {
  readonly kind: 'event';
  readonly t: number;
  readonly text: string;
  readonly isFault?: boolean;
}

export interface ProcessSample {
  readonly kind: 'process';
  readonly t: number;
  readonly name: string;

  /** Since the process began. */
  readonly cpuUs: number;
  readonly rss: number;
  readonly connections?: number;
}

/** A client at the end of a fault, asked for its number once more. Undefined: nobody answered. */
export interface SessionSample {
  readonly kind: 'session';
  readonly client: string;
  readonly told: number;
  readonly number?: number;
}

/** All requests of one page in one round of closed-loop load. */
export interface BlockSample {
  readonly kind: 'block';
  readonly page: string;
  readonly state: 'normal' | 'one server down';
  readonly round: number;
  readonly seconds: number;
  readonly ms: readonly number[];
  readonly failed: number;

  /** CPU time of each process meanwhile, in µs. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

/** A request of a history that was checked. */
export interface HistorySample extends Omit<RequestEvent, 'kind'> {
  readonly kind: 'history';
  readonly request: RequestEvent['kind'];
}

/** A single measured number, of a process or of all. */
export interface FigureSample {
  readonly kind: 'figure';
  readonly name: string;
  readonly of?: string;
  readonly value: number;

  /** Out of how many, for shares. */
  readonly total?: number;
  readonly text?: string;
}

/** What one trouble of the trouble finder showed, in ms per slow request beyond the calm ones, by phase. */
export interface TroubleSample {
  readonly kind: 'trouble';
  readonly name: string;
  readonly title: string;

  /** One of these must come first, and those may be there as well. */
  readonly expected: readonly string[];
  readonly also: readonly string[];
  readonly excessMs: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly evidence: string;
}

/** A slow request of a trouble, in the logs of the balancer and of its server. */
export interface JoinedSample extends JoinedRequest {
  readonly kind: 'joined';
  readonly trouble: string;
}

export type Sample =
  | CellSample
  | EndSample
  | RequestSample
  | EventSample
  | ProcessSample
  | SessionSample
  | BlockSample
  | HistorySample
  | FigureSample
  | TroubleSample
  | JoinedSample;

/** A cell, with all that was measured in it. */
export interface CellRecord extends CellSample {
  readonly file: string;
  readonly samples: readonly Sample[];

  /** Undefined: it was played to its end. */
  readonly error: string | undefined;
}

/** The samples of one kind. */
export function ofKind<K extends Sample['kind']>(
  samples: readonly Sample[],
  kind: K,
): readonly Extract<Sample, { kind: K }>[] {
  return samples.filter((sample): sample is Extract<Sample, { kind: K }> => sample.kind === kind);
}
