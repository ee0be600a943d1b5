import type { Type } from '@nestjs/common';
import { MemorySessionStore, type SessionStore } from 'nestjs-session-beans';
import { InTransitStore, type Transit } from '../support/in-transit-store.js';
import type { SimulatedClient } from '../support/simulated-client.js';
import type { SimulatedRequest } from '../support/simulated-request.js';
import { SimulatedServer, type SimulatedServerOptions } from '../support/simulated-server.js';

export interface ClusterOptions extends Pick<
  SimulatedServerOptions,
  'beans' | 'clock' | 'nearCache' | 'unjoinedTimeoutMs'
> {
  readonly servers: number;
  readonly transit?: Transit;

  /** Puts a fault into the shared store, to show that a test would notice. */
  readonly plant?: (store: SessionStore) => SessionStore;
}

/** Servers over one shared store. */
export class Cluster {
  /** What is really stored. */
  readonly memory: MemorySessionStore;
  readonly store: InTransitStore;
  readonly servers: readonly SimulatedServer[];

  constructor({ servers, transit, plant = (store) => store, clock, ...options }: ClusterOptions) {
    this.memory = new MemorySessionStore({ clock });
    this.store = new InTransitStore(plant(this.memory), transit);
    this.servers = Array.from({ length: servers }, () => new SimulatedServer({ ...options, clock, store: this.store }));
  }

  /** The server of the n-th request: round robin. */
  server(n: number): SimulatedServer {
    return this.servers[n % this.servers.length] as SimulatedServer;
  }

  handle<T>(n: number, client: SimulatedClient, handler: (request: SimulatedRequest) => T | Promise<T>): Promise<T> {
    return this.server(n).handle(client, handler);
  }

  /** What a later request on another, fresh server finds. */
  look<T extends object>(client: SimulatedClient, bean: Type<T>): Promise<T | undefined> {
    const server = new SimulatedServer({ store: this.memory, beans: [bean] });
    return server.handle(client.fork(), (request) => (request.exists ? request.bean(bean) : undefined));
  }

  /** Live sessions that somebody forgot to release. */
  get leaked(): number {
    return this.servers.reduce((sum, { liveSessions }) => sum + liveSessions.size, 0);
  }
}
