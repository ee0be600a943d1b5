/** One of the session architectures, and the baseline without sessions. */
export interface Pattern {
  /** Its row in the table of architectures. */
  readonly number: number;
  readonly name: PatternName;
  readonly title: string;

  /** Where the state lives, for the table. */
  readonly livesIn: string;

  /** The file of `deploy` by which the balancer distributes requests. */
  readonly balancing: 'round-robin' | 'sticky-route' | 'primary-backup';
  readonly env: Readonly<Record<string, string>>;

  /** Whether Redis holds the sessions. */
  readonly hasStore: boolean;

  /** How many sessions a server keeps at most, by default: the bound of the near cache. */
  readonly keepsAtMost?: number;

  /** Its manifest in `deploy/compose`; the baseline and pattern 1 have none. */
  readonly manifest: string | undefined;
}

export type PatternName = 'plain' | 'none' | 'sticky' | 'replicated' | 'external' | 'cached';

/** How long a server that is told to stop serves on: longer than the balancer needs to notice. */
const DRAIN_MS = '1200';

export const patterns: readonly Pattern[] = [
  {
    number: 0,
    name: 'plain',
    title: 'the session API is not used',
    livesIn: '–',
    balancing: 'round-robin',
    env: { SESSION_PATTERN: 'none', DRAIN_MS },
    hasStore: false,
    manifest: undefined,
  },
  {
    number: 1,
    name: 'none',
    title: 'nothing shared, no stickiness',
    livesIn: 'heap of the server that answered',
    balancing: 'round-robin',
    env: { SESSION_PATTERN: 'none', DRAIN_MS },
    hasStore: false,
    manifest: undefined,
  },
  {
    number: 2,
    name: 'sticky',
    title: 'sticky sessions',
    livesIn: 'heap of the sticky server',
    balancing: 'sticky-route',
    env: { SESSION_PATTERN: 'sticky', DRAIN_MS },
    hasStore: false,
    manifest: 'deploy/compose/sticky.yaml',
  },
  {
    number: 3,
    name: 'replicated',
    title: 'replication, sticky',
    livesIn: 'heaps of a primary and a backup',
    balancing: 'primary-backup',
    env: { SESSION_PATTERN: 'replicated', REPLICATION_SECRET: 'only for the lab, 32 bytes long..', DRAIN_MS },
    hasStore: false,
    manifest: 'deploy/compose/replicated.yaml',
  },
  {
    number: 4,
    name: 'external',
    title: 'data store',
    livesIn: 'Redis',
    balancing: 'round-robin',
    env: { SESSION_PATTERN: 'external', DRAIN_MS },
    hasStore: true,
    manifest: 'deploy/compose/external.yaml',
  },
  {
    number: 5,
    name: 'cached',
    title: 'data store, sticky, near cache',
    livesIn: 'Redis, with a coherent cache per server',
    balancing: 'sticky-route',
    env: { SESSION_PATTERN: 'cached', NEAR_CACHE: 'bounded', DRAIN_MS },
    hasStore: true,
    keepsAtMost: 10_000,
    manifest: 'deploy/compose/cached.yaml',
  },
];
