import type { Pattern } from './patterns.js';
import type { Recording } from './recording.js';
import type { BalancerName, Topology, TopologyOptions } from './topology.js';

/** How much is measured. */
export interface Size {
  readonly name: 'quick' | 'normal' | 'full';

  /** Clients of the load beside which something happens. */
  readonly clients: number;

  /** Multiplies the times for which something is watched. */
  readonly pace: number;

  /** Rounds of each page's load, and ms of each round. */
  readonly rounds: number;
  readonly roundMs: number;

  /** How many sessions are made to measure their memory. */
  readonly sessions: number;
}

export const sizes: Readonly<Record<Size['name'], Size>> = {
  quick: { name: 'quick', clients: 24, pace: 0.25, rounds: 3, roundMs: 200, sessions: 2_000 },
  normal: { name: 'normal', clients: 40, pace: 1, rounds: 5, roundMs: 700, sessions: 20_000 },
  full: { name: 'full', clients: 60, pace: 2, rounds: 9, roundMs: 1_500, sessions: 100_000 },
};

/** What a step has at hand. */
export interface Cell {
  readonly pattern: Pattern;
  readonly balancer: BalancerName;
  readonly size: Size;
  readonly recording: Recording;

  /** The servers of the step. They are stopped after it, or kept for the next one if it wants the same. */
  readonly topology: Topology;
}

/** One row of the program: what is done to a pattern. */
export interface Step {
  /** `kill-one` */
  readonly name: string;
  readonly title: string;

  /** An estimate, in seconds, to tell how long is left. */
  readonly seconds: Readonly<Record<Size['name'], number>>;

  /** Whether it has a meaning for a pattern. */
  appliesTo(pattern: Pattern, balancer: BalancerName): boolean;

  /** Left out by `--quick`. */
  readonly isLong?: boolean;

  /** The servers that it needs, if they are not three behind a balancer. */
  readonly topology?: TopologyOptions;
  play(cell: Cell): Promise<void>;
}
