import {
  ReplicatedSessionStore,
  type ReplicatedSessionStoreOptions,
  type ReplicationEvent,
} from 'nestjs-session-beans-replicated';
import { InMemoryReplication } from './in-memory-replication.js';

/** Short, so that tests need not wait; all of them in the proportions of the defaults. */
const QUICK = {
  callTimeoutMs: 60,
  heartbeatMs: 20,
  leaseMs: 100,
  lostAfterMs: 250,
  goneAfterMs: 1_500,
} as const;

/** Members of one group on an in-memory network. */
export class ReplicatedGroup {
  readonly network = new InMemoryReplication();
  readonly stores = new Map<string, ReplicatedSessionStore>();
  readonly events = new Map<string, ReplicationEvent[]>();

  /** With those of members that were killed: their timers would go on. */
  private readonly all: ReplicatedSessionStore[] = [];

  /** Stores that somebody was given; for whoever gives them out one after the other. */
  handedOut = 0;

  private constructor(
    readonly names: readonly string[],
    private readonly optionsOf: (name: string) => Partial<ReplicatedSessionStoreOptions>,
  ) {}

  /** @param options of all members, or of each by its name */
  static async open(
    size: number,
    options: Partial<ReplicatedSessionStoreOptions> | ((name: string) => Partial<ReplicatedSessionStoreOptions>) = {},
  ): Promise<ReplicatedGroup> {
    const names = Array.from({ length: size }, (_, i) => `s${i + 1}`);
    const group = new ReplicatedGroup(names, typeof options === 'function' ? options : () => options);
    await Promise.all(names.map((name) => group.start(name)));
    return group;
  }

  /** A new process of the member: its heap is empty. */
  async start(name: string): Promise<ReplicatedSessionStore> {
    const store = this.create(name);
    await store.open();
    return store;
  }

  /** As `start`, not open yet. */
  create(name: string): ReplicatedSessionStore {
    const store = new ReplicatedSessionStore({
      nodeName: name,
      members: this.names.map((member, i) => ({ name: member, host: '127.0.0.1', port: 7001 + i })),
      transport: this.network.transportOf(name),
      onEvent: (event) => this.eventsOf(name).push(event),
      ...QUICK,
      ...this.optionsOf(name),
    });
    this.stores.set(name, store);
    this.all.push(store);
    return store;
  }

  store(name: string): ReplicatedSessionStore {
    const store = this.stores.get(name);
    if (!store) throw new Error(`no member ${name}`);
    return store;
  }

  eventsOf(name: string): ReplicationEvent[] {
    const events = this.events.get(name) ?? [];
    this.events.set(name, events);
    return events;
  }

  /** The process of the member ends without a word, and what it would still say is not heard. */
  kill(name: string): void {
    this.network.kill(name);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((store) => store.close()));
  }
}
