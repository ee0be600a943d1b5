import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import type { LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/**
 * A store that is trivially correct: all members share one memory that never fails. A violation that is found in it
 * would be a bug of the simulation.
 */
export function singleCopyStores(): StoreUnderSimulation {
  const memory = new MemorySessionStore({ clock: { now: () => 0 } });
  const owners = new Map<string, { readonly name: string; readonly counter: number }>();
  return { create: (options) => singleCopyStore(options, memory, owners) };
}

function singleCopyStore(
  { nodeName }: ReplicatedSessionStoreOptions,
  memory: MemorySessionStore,
  owners: Map<string, { readonly name: string; readonly counter: number }>,
): SessionStore {
  const located = <T extends LoadResult | SaveResult>(key: string, result: T): T => {
    if (!['found', 'unchanged', 'saved', 'conflict'].includes(result.outcome)) return result;
    const last = owners.get(key);
    const owner = last?.name === nodeName ? last : { name: nodeName, counter: (last?.counter ?? 0) + 1 };
    owners.set(key, owner);
    return { ...result, locator: `${owner.name}.-.${owner.counter.toString(36)}.-` };
  };
  return {
    name: 'single copy',
    contract: 1,
    shared: true,
    locates: true,
    load: async (access, { locator, ...options } = {}) =>
      isForged(locator, owners.get(access.key)?.counter)
        ? { outcome: 'none', lost: true }
        : located(access.key, memory.load(access, options)),
    save: async (change) => located(change.mode === 'create' ? change.key : change.access.key, memory.save(change)),
    touch: async (access) => memory.touch(access),
    destroy: async (access) => memory.destroy(access),
    supersede: (access) => memory.supersede(access),
    close: () => {},
  };
}

function isForged(locator: string | undefined, counter = 0): boolean {
  return locator !== undefined && Number.parseInt(locator.split('.')[2] ?? '0', 36) > counter;
}
