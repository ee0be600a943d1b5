import type { Replica } from '../../libs/replicated/src/copy/replica.js';
import { isTombstone } from '../../libs/replicated/src/copy/tombstone.js';
import { endSession } from '../../libs/replicated/src/protocol/handle-end.js';
import { insideOf } from './inside-of.js';
import { changed, type PlantedBug, tapped } from './planted-bug.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

/**
 * Mistakes of a full member in giving up sessions. That it gives up one of which a branch is elsewhere is found by
 * replicated-room.contract-spec.ts: no schedule is known that shows it.
 */
export const plantedEvictionBugs: Readonly<Record<string, PlantedBug>> = {
  'gives up sessions that another member serves': {
    from: 385,
    breaks: 'noResurrection',
    stores: () => givingUp((replica) => !replica.isOwn && !hasUser(replica)),
  },

  'gives up a session that another member has claimed': {
    from: 134,
    breaks: 'noResurrection',
    stores: () => givingUp((replica) => replica.isOwn && replica.fenced && !hasUser(replica)),
  },

  'gives up the session of a user': {
    from: 192,
    breaks: 'nothingLost',
    stores: () => givingUp((replica) => replica.isOwn && !replica.fenced),
  },

  'gives up a session without telling anybody': {
    from: 428,
    breaks: 'noResurrection',
    stores: () =>
      tapped((inside) => ({
        call: async (message, member, send) => {
          if (!JSON.stringify(message).includes('"eviction"')) return send();
          const { incarnation } = inside().context.members.get(member) ?? {};
          return message.type === 'put' ? { type: 'ok', incarnation } : { type: 'done' };
        },
      })),
  },
};

/** Gives up other copies than those that may go, as if their owners had agreed. */
function givingUp(mayGo: (replica: Replica) => boolean): StoreUnderSimulation {
  return changed((store) => {
    const { context, primary } = insideOf(store);
    const { table, queue, self } = context;
    table.copiesToGo = (key) => {
      const first = [...table.replicas()].find((each) => each.key !== key && !queue.isBusy(each.key) && mayGo(each));
      return first && [first];
    };
    primary.room.end = async ({ key }, _state, tombstone) => {
      endSession(context, key, tombstone, self);
      return true;
    };
  });
}

function hasUser({ state }: Replica): boolean {
  return !isTombstone(state) && state.identity.principal !== undefined;
}
