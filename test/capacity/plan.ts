/** What one call of the store costs. */
export interface CallCost {
  /** CPU of Redis, µs. */
  readonly redisUs: number;

  /** CPU of the application server, µs. */
  readonly serverUs: number;

  /** Bytes to Redis and back. */
  readonly wireBytes: number;
}

/** What was measured with sessions of one size. */
export interface Measured {
  readonly load: CallCost;
  readonly save: CallCost;

  /** Memory that Redis uses for a session. */
  readonly sessionBytes: number;
}

/** What is asked for. */
export interface Demand {
  /** Sessions that live at the same time. */
  readonly sessions: number;

  /** Requests with a session, per second. */
  readonly rps: number;

  /** Share of them that change something, 0 to 1. */
  readonly writes: number;

  /** CPU of an application server for the rest of a request: Nest, the session layer, your handler; µs. */
  readonly handlerUs: number;

  /** Share of a core, of memory and of a network that is planned with. The rest is for peaks and failures. */
  readonly load: number;

  /** Memory of the machine of one shard, in GB. */
  readonly shardGb: number;

  /** Network of the machine of one shard, in Gbit/s each way. */
  readonly shardGbit: number;
}

/** One figure with the formula that it comes from. */
export interface PlanLine {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly formula: string;
}

const GB = 1e9;

/** How much a Redis with these calls can do on one core, in requests per second. */
export function requestsPerRedisCore({ load, save }: Measured, writes: number): number {
  return 1e6 / (load.redisUs + writes * save.redisUs);
}

/** Cores of application servers, shards of the store, memory and network for a demand. */
export function plan(measured: Measured, demand: Demand): readonly PlanLine[] {
  const { load, save, sessionBytes } = measured;
  const { sessions, rps, writes, handlerUs, load: share, shardGb, shardGbit } = demand;
  const perRequest = (of: keyof CallCost): number => load[of] + writes * save[of];
  const serverCores = (rps * (handlerUs + perRequest('serverUs'))) / 1e6 / share;
  const storeCores = rps / requestsPerRedisCore(measured, writes) / share;
  const memoryGb = (sessions * sessionBytes) / GB / share;
  const networkGbit = (rps * perRequest('wireBytes') * 8) / 1e9 / share;
  const shardsFor = { cpu: storeCores, memory: memoryGb / shardGb, network: networkGbit / (2 * shardGbit) };
  const shards = Math.max(1, ...Object.values(shardsFor).map(Math.ceil));
  const most = Object.entries(shardsFor).reduce((one, other) => (other[1] > one[1] ? other : one))[0];
  return [
    {
      name: 'cores of application servers',
      value: Math.ceil(serverCores),
      unit: 'one process each',
      formula: 'rps x (handlerUs + load.serverUs + writes x save.serverUs) / 1e6 / load',
    },
    {
      name: 'cores of Redis',
      value: Math.ceil(storeCores),
      unit: 'one shard each',
      formula: 'rps x (load.redisUs + writes x save.redisUs) / 1e6 / load',
    },
    { name: 'memory of Redis', value: memoryGb, unit: 'GB', formula: 'sessions x sessionBytes / load' },
    {
      name: 'network of Redis',
      value: networkGbit,
      unit: 'Gbit/s, both ways',
      formula: 'rps x (load.wireBytes + writes x save.wireBytes) x 8 / load',
    },
    {
      name: 'shards',
      value: shards,
      unit: `${most} decides; twice as many with a replica each`,
      formula: 'the most of: cores of Redis, memory / shardGb, network / (2 x shardGbit)',
    },
  ];
}
