/**
 * The parts of node-redis 5 and 6 that the store uses. They are written down here rather than imported, so that the
 * declarations of this package need neither library.
 */

interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

interface Connectable extends Emitter {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  destroy(): void | Promise<void>;
}

/** How replies are decoded. */
export interface ReplyForm {
  readonly typeMapping: object;
  readonly timeout: undefined;
}

export interface NodeRedisOptions {
  readonly disableOfflineQueue?: boolean;
  readonly socket?: object;
  readonly url?: string;
  readonly password?: string;
  readonly credentialsProvider?: object;
}

/** Made by `createClient()`. */
export interface NodeRedisSingle extends Connectable {
  readonly isReady: boolean;
  readonly options: NodeRedisOptions | undefined;
  sendCommand(command: readonly string[], form: ReplyForm): Promise<unknown>;
  subscribe(channel: string, listener: (message: Buffer) => void, asBytes: true): Promise<unknown>;
  duplicate(options?: object): NodeRedisSingle;
  unref(): void;
}

interface NodeRedisNode {
  readonly address: string;
  readonly client?: NodeRedisSingle | undefined;
}

/** Made by `createCluster()`. */
export interface NodeRedisCluster extends Connectable {
  readonly slots: readonly ({ readonly master: NodeRedisNode } | undefined)[];
  readonly masters: readonly NodeRedisNode[];
  sendCommand(key: string, isReadOnly: false, command: readonly string[], form: ReplyForm): Promise<unknown>;
  duplicate(options?: object): NodeRedisCluster;

  /** Not documented: a cluster whose primary is lost asks nobody who has taken over. */
  readonly _slots?: { rediscover?(startWith: NodeRedisSingle): Promise<unknown> };
}

/** Made by `createSentinel()`. */
export interface NodeRedisSentinel extends Connectable {
  readonly isReady: boolean;
  getMasterNode(): object | undefined;

  /** Not documented: the only way to the client of the primary. Its own commands wait for a primary without an end. */
  _execute(isReadOnly: false, use: (primary: NodeRedisSingle) => Promise<void>): Promise<void>;

  /** From release 6 on. */
  duplicate?(options?: object): NodeRedisSentinel;
}

export type AnyNodeRedis = NodeRedisSingle | NodeRedisCluster | NodeRedisSentinel;
