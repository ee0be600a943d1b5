import { type PlantedBug, tapped } from './planted-bug.js';

/** Mistakes with messages that travel together. */
export const plantedGroupBugs: Readonly<Record<string, PlantedBug>> = {
  'does not handle the last message of a group, and answers it all the same': {
    from: 26,
    breaks: 'nothingLost',
    isOfGroups: true,
    stores: () =>
      tapped(() => ({
        answerGroup: async (messages, handle) => {
          const answers = await handle(messages.slice(0, -1));
          return answers[0] ? [...answers, answers[0]] : answers;
        },
      })),
  },

  'answers the messages of a group in another order': {
    from: 199,
    breaks: 'nothingLost',
    isOfGroups: true,
    stores: () =>
      tapped(() => ({
        answerGroup: async (messages, handle) => (await handle(messages)).toReversed(),
      })),
  },

  'acknowledges a group when it is sent': {
    from: 17,
    breaks: 'nothingLost',
    isOfGroups: true,
    stores: () =>
      tapped((inside) => ({
        callGroup: async (messages, send) => {
          void send().catch(() => undefined);
          return messages.map(({ type, backup }) => {
            const { incarnation } = inside().context.members.get(String(backup)) ?? {};
            return type === 'put' ? { v: 1, type: 'ok', incarnation } : { v: 1, type: 'done' };
          });
        },
      })),
  },
};
