import { type LoadOptions, SessionStoreError } from 'nestjs-session-beans/store-kit';
import { ReplicationCallError } from '../../libs/replicated/src/transports/replication-transport.js';
import { ReplicatedSessionStore } from '../../libs/replicated/src/replicated-session-store.js';
import { insideOf } from './inside-of.js';
import { changed, type PlantedBug, tapped } from './planted-bug.js';
import { replicatedStores } from './replicated-stores.js';
import type { Wire } from './tapped-transport.js';

/** Typical mistakes in such a protocol, each planted into the correct store. They prove what the simulation finds. */
export const plantedReplicationBugs: Readonly<Record<string, PlantedBug>> = {
  'accepts a copy without a check of its epoch': {
    breaks: 'nothingLost',
    stores: () =>
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
  },

  'goes on serving a session that another member has claimed': {
    from: 92,
    breaks: 'freshReads',
    stores: () =>
      tapped((inside) => ({
        answer: async (message, handle) => {
          const { table, members } = inside().context;
          const own = message.type === 'claim' ? table.get(keyOf(message)) : undefined;
          const wasFenced = own?.fenced ?? true;
          const answer = await handle(message);
          if (!own || wasFenced) return answer;
          own.fenced = false;
          members.get(own.node)?.unfollowed.delete(own.key);
          return answer;
        },
      })),
  },

  'ignores the locator of a load': {
    breaks: 'witness',
    stores: () =>
      changed((store) => {
        const load = store.load.bind(store);
        store.load = (access, options) => {
          const { locator, ...others } = options as LoadOptions;
          return load(access, locator === undefined ? options : others);
        };
      }),
  },

  'acknowledges a change before the backup has it': {
    from: 21,
    breaks: 'nothingLost',
    stores: () =>
      tapped(() => {
        const incarnations = new Map<string, unknown>();
        return {
          call: async (message, member, send) => {
            if (message.type === 'put' && message['delta'] !== undefined) {
              void send().catch(() => undefined);
              return { type: 'ok', incarnation: incarnations.get(member) };
            }
            const answer = await send();
            if (answer['incarnation'] !== undefined) incarnations.set(member, answer['incarnation']);
            return answer;
          },
        };
      }),
  },

  'answers reads without a lease': {
    from: 787,
    breaks: 'freshReads',
    stores: () =>
      changed((store) => {
        insideOf(store).primary.hasLease = () => true;
      }),
  },

  'takes over without waiting for the lease to end': {
    from: 1899,
    breaks: 'freshReads',
    stores: () =>
      tapped(() => ({
        call: async (message, _member, send) => {
          const answer = await send();
          return message.type === 'claim' ? { ...answer, heardAgoMs: 1e9 } : answer;
        },
      })),
  },

  'does not tell a primary that its backup no longer follows it': {
    from: 787,
    breaks: 'freshReads',
    stores: () =>
      tapped(() => ({
        answer: async (message, handle) => {
          const answer = await handle(message);
          return message.type === 'ping' ? { ...answer, unfollowed: [] } : answer;
        },
      })),
  },

  'does not pass the end of a session on to the backup': {
    from: 428,
    breaks: 'noResurrection',
    stores: () =>
      tapped((inside) => ({
        answer: async (message, handle) => {
          if (message.type === 'end') return { type: 'done' };
          const own = inside().context.table.get(keyOf(message));
          const isEnd =
            message.type === 'put' && typeof message['state'] === 'object' && 'x' in (message['state'] ?? {});
          return isEnd && own
            ? { type: 'ok', incarnation: inside().context.members.get(own.node)?.ownIncarnation }
            : handle(message);
        },
      })),
  },

  'makes no new copies when a member is lost': {
    from: 2072,
    breaks: 'nothingLost',
    stores: () =>
      changed((store) => {
        insideOf(store).upkeep.repair.request = () => undefined;
      }),
  },

  'takes the clock of another member for its own': {
    breaks: 'nothingLost',
    stores: () =>
      tapped((inside) => ({
        answer: (message, handle) =>
          handle('at' in message ? { ...message, at: inside().context.clock.now() } : message),
      })),
  },

  'grants every epoch that is asked for': {
    from: 129,
    breaks: 'nothingLost',
    stores: () =>
      tapped(() => ({
        answer: async (message, handle) => (message.type === 'grant' ? { type: 'yes', before: [] } : handle(message)),
      })),
  },

  'gives a lock to every caller': {
    from: 766,
    breaks: 'oneHolder',
    stores: () =>
      changed((store) => {
        store.locks.acquire = async () => ({ outcome: 'locked' });
      }),
  },

  'does not recognise a repeated save': {
    from: 95,
    breaks: 'wholeWrites',
    stores: () =>
      changed((store) => {
        const save = store.save.bind(store);
        let saves = 0;
        store.save = (change) => save({ ...change, writeId: `${change.writeId}_${saves++}` });
      }),
  },

  'does not report that a session was lost': {
    from: 62,
    breaks: 'honestLoss',
    stores: () =>
      replicatedStores((options) => {
        const { onEvent } = options;
        const store = new ReplicatedSessionStore({
          ...options,
          onEvent: (event) => (event.type === 'lost' ? undefined : onEvent?.(event)),
        });
        const load = store.load.bind(store);
        store.load = async (...call) => {
          const result = await load(...call);
          return result.outcome === 'none' ? { outcome: 'none' } : result;
        };
        return store;
      }),
  },

  'opens a session with a former id': {
    breaks: 'formerIds',
    stores: () =>
      changed((store) => {
        const load = store.load.bind(store);
        store.load = async (access, options) => {
          const result = await load(access, options);
          if (result.outcome !== 'superseded') return result;
          for (let logins = 0; logins < 20; logins++) {
            const found = await load({ key: access.key, logins }, options);
            if (found.outcome === 'found') return { ...found, record: { ...found.record, proof: access.proof ?? '' } };
          }
          return result;
        };
      }),
  },

  'claims a session before it compares what the caller knows': {
    breaks: 'noTrace',
    stores: () =>
      changed((store) => {
        insideOf(store).primary.refusal = async () => undefined;
      }),
  },

  'counts epochs before renewals': {
    breaks: 'nothingLost',
    stores: () =>
      tapped(() => ({ answer: async (message, handle) => withoutRenewals(await handle(withoutRenewals(message))) })),
  },

  'takes a locator that nobody has signed for one of the group': {
    breaks: 'nothingLost',
    stores: () =>
      changed((store) => {
        const { locators } = insideOf(store);
        const parse = locators.parse.bind(locators);
        locators.parse = (access, text) => {
          const witness = parse(access, text);
          return witness && { ...witness, from: 'client' };
        };
      }),
  },

  'does not tell a member that was cut off what it has missed': {
    from: 1718,
    breaks: 'noResurrection',
    stores: () =>
      changed((store) => {
        insideOf(store).upkeep.heartbeats.missedNews.onAnswer = () => undefined;
      }),
  },

  'never again calls a member that was silent once': {
    breaks: 'convergence',
    stores: () =>
      tapped(() => {
        const silent = new Set<string>();
        return {
          call: async (_message, member, send) => {
            if (silent.has(member)) throw new ReplicationCallError('silent', 'it was silent before');
            try {
              return await send();
            } catch (error) {
              silent.add(member);
              throw error;
            }
          },
        };
      }),
  },

  'rejects with another error than SessionStoreError': {
    breaks: 'failures',
    stores: () =>
      changed((store) => {
        store.touch = () => Promise.reject(new TypeError('planted'));
      }),
  },

  'says of each save that failed that it was not applied': {
    from: 64,
    breaks: 'wholeWrites',
    stores: () =>
      changed((store) => {
        const save = store.save.bind(store);
        store.save = async (change) => {
          try {
            return await save(change);
          } catch (error) {
            if (!(error instanceof SessionStoreError)) throw error;
            const { store: name, operation, message: problem } = error;
            throw new SessionStoreError({ store: name, operation, problem, applied: false });
          }
        };
      }),
  },
};

/** In all that members tell each other of where copies are, no id was ever renewed. */
function withoutRenewals(message: Wire): Wire {
  return JSON.parse(JSON.stringify(message), (name, value: unknown) => {
    if (name === 'generation') return 0;
    if (name === 'renewedIn' || name === 'r') return undefined;
    return name === 'h' && Array.isArray(value) ? [0, ...(value as unknown[]).slice(1)] : value;
  }) as Wire;
}

function keyOf(message: Wire): string {
  return String(message['key']);
}
