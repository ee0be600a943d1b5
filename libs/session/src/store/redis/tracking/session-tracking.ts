import { Cluster, type Redis } from 'ioredis';
import type { SessionKey } from '../../session-key.js';
import { primaryOf } from '../primary-of.js';
import type { RedisClient, ScriptedClient } from '../redis-client.js';
import type { RedisKeyNames } from '../redis-key-names.js';
import { TrackedPrimary } from './tracked-primary.js';
import type { TrackingPair } from './tracking-pair.js';

export interface SessionTrackingSetup {
  readonly client: ScriptedClient;
  readonly names: RedisKeyNames;
  readonly beatMs: number;
  readonly onChange: (key: SessionKey) => void;
  readonly warn: (warning: string) => void;
}

const CLIENT_EVENTS = ['ready', 'close', 'end'];
const CLUSTER_EVENTS = [...CLIENT_EVENTS, 'refresh', '+node', '-node'];

/** A pair of connections to each primary that the store's own client has a connection to, for as long as it has. */
export class SessionTracking {
  private readonly client: RedisClient;
  private readonly primaries = new Map<string, TrackedPrimary>();
  private readonly told = new Set<string>();
  private readonly follow = (): void => this.followClient();

  constructor(private readonly setup: SessionTrackingSetup) {
    this.client = setup.client;
    for (const event of this.events) this.client.on(event, this.follow);
    this.follow();
  }

  /** The connections on which this session can be loaded and saved now, if any. */
  pairFor(key: SessionKey): TrackingPair | undefined {
    const { client, setup } = this;
    const name = client instanceof Cluster ? client.slots[setup.names.slot(key)]?.[0] : '';
    return name === undefined ? undefined : this.primaries.get(name)?.armed;
  }

  close(): void {
    for (const event of this.events) this.client.off(event, this.follow);
    for (const primary of this.primaries.values()) primary.close();
    this.primaries.clear();
  }

  private get events(): readonly string[] {
    return this.client instanceof Cluster ? CLUSTER_EVENTS : CLIENT_EVENTS;
  }

  /** Whoever the client has left, after a failover for example, is not to be trusted any more; nor is its pair. */
  private followClient(): void {
    const nodes = this.nodes();
    for (const [name, primary] of this.primaries) {
      if (nodes.get(name) === primary.node) continue;
      primary.close();
      this.primaries.delete(name);
    }
    for (const [name, node] of nodes) {
      if (!this.primaries.has(name)) this.primaries.set(name, this.track(name, node));
    }
  }

  /** By the name that the cluster has for it. */
  private nodes(): Map<string, Redis> {
    const { client } = this;
    if (client.status !== 'ready') return new Map();
    if (!(client instanceof Cluster)) return new Map([['', client]]);
    const names = new Set(client.slots.flatMap((servers) => servers?.slice(0, 1) ?? []));
    return new Map(
      [...names].flatMap((name) => [primaryOf(client, name)].flatMap((node) => (node ? [[name, node] as const] : []))),
    );
  }

  private track(name: string, node: Redis): TrackedPrimary {
    const { client } = this;
    const serves = (slot: number): boolean => !(client instanceof Cluster) || client.slots[slot]?.[0] === name;
    const onEnd = ({ message }: Error): void => {
      if (client instanceof Cluster && message.startsWith('MOVED')) client.refreshSlotsCache();
      // What a redirection of an ordinary command changes in the slots of the client, no event tells.
      this.follow();
    };
    return new TrackedPrimary({ ...this.setup, node, serves }, onEnd, (warning) => this.warnOnce(warning));
  }

  private warnOnce(warning: string): void {
    if (!this.told.has(warning)) this.setup.warn(warning);
    this.told.add(warning);
  }
}
