import type { Type } from '@nestjs/common';
import { MemorySessionStore, type SessionStore } from 'nestjs-session-beans';
import { NoticeBoard } from '../support/notice-board.js';
import { RemoteStore, type Network } from './remote-store.js';
import { withLocks } from './simulated-locks.js';
import {
  type SimulatedClient,
  type SimulatedRequest,
  SimulatedServer,
  type SimulatedServerOptions,
} from './simulated-server.js';

export interface SimulatedClusterOptions extends Pick<
  SimulatedServerOptions,
  'beans' | 'clock' | 'nearCache' | 'unjoinedTimeoutMs' | 'attributesOnLogin'
> {
  readonly servers: number;
  readonly network?: Network;

  /** Adds a fault to the shared store, to show that a test can fail. */
  readonly plant?: (store: SessionStore) => SessionStore;
}

/** Servers that share one store. */
export class SimulatedCluster {
  /** The store itself, without the network and without planted faults. */
  readonly memory: MemorySessionStore;
  readonly store: RemoteStore;
  readonly servers: readonly SimulatedServer[];

  /** Tells servers with a bounded near cache what the others change. */
  readonly board: NoticeBoard;

  constructor({ servers, network, plant = (store) => store, clock, ...options }: SimulatedClusterOptions) {
    this.memory = new MemorySessionStore({ clock });
    this.store = new RemoteStore(plant(withLocks(this.memory)), network);
    this.board = new NoticeBoard(this.store);
    const isTold = options.nearCache?.mode === 'bounded';
    this.servers = Array.from({ length: servers }, (_, number) => {
      const store = isTold ? this.board.forServer(number) : this.store;
      return new SimulatedServer({ ...options, clock, store });
    });
  }

  /** The server of the n-th request, in round robin. */
  server(n: number): SimulatedServer {
    return this.servers[n % this.servers.length] as SimulatedServer;
  }

  handle<T>(n: number, client: SimulatedClient, handler: (request: SimulatedRequest) => T | Promise<T>): Promise<T> {
    return this.server(n).handle(client, handler);
  }

  /** The bean as a later request finds it on a new server. */
  stored<T extends object>(client: SimulatedClient, bean: Type<T>): Promise<T | undefined> {
    const server = new SimulatedServer({ store: this.memory, beans: [bean] });
    return server.handle(client.copy(), (request) => (request.exists ? request.bean(bean) : undefined));
  }

  /** How many live sessions were not released. */
  get leaked(): number {
    return this.servers.reduce((sum, { liveSessions }) => sum + liveSessions.size, 0);
  }
}

/** Runs `count` pieces of work, `width` at a time. A rejection is a result, too. */
export async function inParallel<T>(
  count: number,
  width: number,
  work: (i: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const results: PromiseSettledResult<T>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const [result] = await Promise.allSettled([work(i)]);
      results[i] = result;
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
