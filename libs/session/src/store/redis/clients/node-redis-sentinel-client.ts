import { SessionConfigurationError } from '../../../errors/session-configuration.error.js';
import type { SessionRisk } from '../../session-risk.js';
import { NodeRedisConnection, NodeRedisPort, listening, offline } from './node-redis-connection.js';
import type { NodeRedisSentinel, NodeRedisSingle, ReplyForm } from './node-redis-types.js';
import { OwnNodeRedisClient } from './own-node-redis-client.js';
import {
  ONLY_PRIMARY,
  type OwnClient,
  type RedisClientListener,
  type RedisClientPort,
  type RedisConnection,
} from './redis-port.js';

/** The sentinels are not asked for the primary more often. */
const LOOK_MS = 100;

/**
 * A sentinel client of node-redis. Commands go to the client of the primary that it has made: its own ones would wait
 * for a primary without an end, and run after their request was answered.
 */
export class NodeRedisSentinelClient extends NodeRedisPort implements RedisClientPort {
  readonly isCluster = false;
  private primary: NodeRedisConnection | undefined;
  private stopListening: (() => void) | undefined;
  private readonly listeners = new Set<RedisClientListener>();
  private isLooking = false;
  private lookedAt = -Infinity;

  constructor(readonly client: NodeRedisSentinel) {
    super();
    client.on('topology-change', ({ type }: { readonly type: string }) => {
      if (type === 'MASTER_CHANGE') void this.look();
    });
    client.on('error', (error: Error) => this.tell('failed', error));
    if (client.isReady) void this.look();
  }

  get isReady(): boolean {
    return this.primary?.isReady === true;
  }

  get isEnded(): boolean {
    return !this.client.isOpen;
  }

  get usesTls(): boolean {
    return this.primary?.usesTls === true;
  }

  get risks(): readonly SessionRisk[] {
    return this.primary?.risks ?? [];
  }

  async send(command: readonly string[], form: ReplyForm): Promise<unknown> {
    const { primary } = this;
    if (!primary?.isReady) {
      this.lookSoon();
      throw offline();
    }
    try {
      return await primary.send(command, form);
    } catch (error) {
      // A demoted primary stays connected until the sentinels are asked.
      if (error instanceof Error && error.message.startsWith('READONLY')) this.lookSoon(primary.client);
      throw error;
    }
  }

  primaries(): ReadonlyMap<string, RedisConnection> {
    return this.primary?.isReady ? new Map([[ONLY_PRIMARY, this.primary]]) : new Map();
  }

  primaryNameOf(): string {
    return ONLY_PRIMARY;
  }

  refreshSlots(): void {}

  listen(listener: RedisClientListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  duplicate(): OwnClient {
    const { client } = this;
    if (!client.duplicate)
      throw new SessionConfigurationError(
        'RedisSessionStore option durability: needs a second client, which a sentinel client of node-redis 5 cannot ' +
          'make; give a url in place of the client, or take node-redis 6',
      );
    return new OwnNodeRedisClient(() => {
      const copy = client.duplicate?.() as NodeRedisSentinel;
      return { client: copy, port: new NodeRedisSentinelClient(copy) };
    });
  }

  private lookSoon(demoted?: NodeRedisSingle): void {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    // Without a primary that answers, node-redis would ask the sentinels in a circle, without a pause.
    if (this.client.isReady && this.client.getMasterNode()) void this.look(demoted);
  }

  /** @param demoted a former primary: node-redis asks the sentinels again when it meets an error like that */
  private async look(demoted?: NodeRedisSingle): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      await this.client._execute(false, async (primary) => {
        if (primary === demoted) throw new Error('READONLY');
        this.use(primary);
      });
    } catch {
      // A later command looks again.
    } finally {
      this.isLooking = false;
    }
  }

  private use(client: NodeRedisSingle): void {
    if (this.primary?.client === client) return;
    this.stopListening?.();
    const primary = new NodeRedisConnection(client);
    this.primary = primary;
    const changed = (): void => this.tell('changed');
    this.stopListening = listening(client, [
      ['error', (error: Error) => this.tell('failed', error)],
      ...['ready', 'reconnecting', 'error', 'end'].map((event) => [event, changed] as const),
    ]);
    changed();
  }

  private tell(what: 'changed'): void;
  private tell(what: 'failed', error: Error): void;
  private tell(what: keyof RedisClientListener, error?: Error): void {
    for (const listener of this.listeners) listener[what]?.(error as Error);
  }
}
