import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';
import type { LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { SessionStoreModel } from '../contract/session-store-model.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/**
 * A store that is trivially correct: all members share one memory that never fails. A violation that is found in it
 * would be a bug of the simulation.
 */
export function singleCopyStores(): StoreUnderSimulation {
  const model = new SessionStoreModel({ now: () => 0 });
  const owners = new Map<string, { readonly name: string; readonly counter: number }>();
  return { create: (options) => singleCopyStore(options, model, owners) };
}

function singleCopyStore(
  { nodeName }: ReplicatedSessionStoreOptions,
  model: SessionStoreModel,
  owners: Map<string, { readonly name: string; readonly counter: number }>,
): SessionStore {
  const located = <T extends LoadResult | SaveResult>(key: string, result: T): T => {
    const last = owners.get(key);
    const owner = last?.name === nodeName ? last : { name: nodeName, counter: (last?.counter ?? 0) + 1 };
    owners.set(key, owner);
    return { ...result, locator: `${owner.name}.-.${owner.counter.toString(36)}.-` };
  };
  return {
    name: 'single copy',
    capabilities: { shared: true, locates: true },
    load: async (key, options) => located(key, await model.load(key, options)),
    save: async (change) => located(change.key, await model.save(change)),
    touch: (key) => model.touch(key),
    destroy: (key, ifStamp) => model.destroy(key, ifStamp),
    close: async () => {},
  };
}
