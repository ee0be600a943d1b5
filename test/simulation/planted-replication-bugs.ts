import { ReplicatedSessionStore } from '../../libs/session/src/store/replicated/replicated-session-store.js';
import { type InsideOfStore, insideOf } from './inside-of.js';
import { replicatedStores } from './replicated-stores.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';
import { type TransportTaps, type Wire, tappedTransport } from './tapped-transport.js';

/** Mistakes that such a protocol is made with, each put into the store that has none of them. */
export const plantedReplicationBugs: Readonly<Record<string, () => StoreUnderSimulation>> = {
  'takes a put without a look at the epoch': () =>
    tapped((inside) => ({
      answer: (message, handle) => {
        const key = keyOf(message);
        if (message.type !== 'put' || message['state'] === undefined) return handle(message);
        const own = inside().context.table.get(key);
        if (own) inside().context.table.remove(own);
        inside().context.memory.floorOf = () => 0;
        return handle({ ...message, from: null });
      },
    })),

  'does not fence what it has given to a claimant': () =>
    tapped((inside) => ({
      answer: async (message, handle) => {
        const { table, members } = inside().context;
        const own = message.type === 'claim' ? table.get(keyOf(message)) : undefined;
        const wasFenced = own?.fenced ?? true;
        const answer = await handle(message);
        if (!own || wasFenced) return answer;
        own.fenced = false;
        members.get(own.node)?.over.delete(own.key);
        return answer;
      },
    })),

  'does not look at the locator': () =>
    changed((store) => {
      const load = store.load.bind(store);
      store.load = (key, { locator: _, ...options } = {}) => load(key, options);
    }),

  'acknowledges before the backup has it': () =>
    tapped(() => {
      const lives = new Map<string, unknown>();
      return {
        call: async (message, member, send) => {
          if (message.type === 'put' && message['delta'] !== undefined) {
            void send().catch(() => undefined);
            return { type: 'ok', life: lives.get(member) };
          }
          const answer = await send();
          if (answer['life'] !== undefined && message.type !== 'claim') lives.set(member, answer['life']);
          return answer;
        },
      };
    }),

  'answers reads without a lease': () =>
    changed((store) => {
      insideOf(store).primary.hasLease = () => true;
    }),

  'takes over without waiting for the lease to end': () =>
    tapped(() => ({
      call: async (message, _member, send) => {
        const answer = await send();
        return message.type === 'claim' ? { ...answer, heardAgoMs: 1e9 } : answer;
      },
    })),

  'tells no primary that it is not followed any more': () =>
    tapped(() => ({
      answer: async (message, handle) => {
        const answer = await handle(message);
        return message.type === 'ping' ? { ...answer, over: [] } : answer;
      },
    })),

  'forgets at its backup that a session has ended': () =>
    tapped((inside) => ({
      answer: async (message, handle) => {
        if (message.type === 'bury') return { type: 'done' };
        const own = inside().context.table.get(keyOf(message));
        const isEnd = message.type === 'put' && typeof message['state'] === 'object' && 'x' in (message['state'] ?? {});
        return isEnd && own ? { type: 'ok', life: inside().context.members.get(own.node)?.ownBond } : handle(message);
      },
    })),

  'makes no new copies when a member is lost': () =>
    changed((store) => {
      insideOf(store).repair.request = () => undefined;
    }),

  'takes the times of others for its own': () =>
    tapped((inside) => ({
      answer: (message, handle) => handle('at' in message ? { ...message, at: inside().context.clock.now() } : message),
    })),

  'consents to every epoch': () =>
    tapped(() => ({
      answer: async (message, handle) => (message.type === 'grant' ? { type: 'yes', before: [] } : handle(message)),
    })),
};

function keyOf(message: Wire): string {
  return String(message['key']);
}

function changed(change: (store: ReplicatedSessionStore) => void): StoreUnderSimulation {
  return replicatedStores((options) => {
    const store = new ReplicatedSessionStore(options);
    change(store);
    return store;
  });
}

function tapped(taps: (inside: () => InsideOfStore) => TransportTaps): StoreUnderSimulation {
  return replicatedStores((options) => {
    if (!options.transport) throw new Error('needs a transport');
    const transport = tappedTransport(
      options.transport,
      taps(() => insideOf(store)),
    );
    const store = new ReplicatedSessionStore({ ...options, transport });
    return store;
  });
}
