import { describe, expect, it } from '@jest/globals';
import { applyDelta } from '../../libs/replicated/src/copy/state-delta.js';
import { isTombstone } from '../../libs/replicated/src/copy/tombstone.js';
import { encodeMessage } from '../../libs/replicated/src/protocol/message-format.js';
import type { ReplicationContext } from '../../libs/replicated/src/protocol/replication-context.js';
import type { ReplicatedSessionStoreOptions } from 'nestjs-session-beans-replicated';
import type { PutMessage } from '../../libs/replicated/src/protocol/replication-message.js';
import { Latch } from '../support/latch.js';
import { ReplicatedClient } from '../support/replicated-client.js';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** The private parts of a member, in order to break it. */
function inside(group: ReplicatedGroup, name: string): ReplicationContext {
  return (group.store(name) as unknown as { readonly node: { readonly context: ReplicationContext } }).node.context;
}

type Damage = (group: ReplicatedGroup) => void;

/** Planted bug: a change is accepted from any sender. */
const skipEpochCheckOfPut: Damage = (group) => {
  for (const name of group.names) {
    group.network.overrideAnswer(name, ({ from, text }, answer) => {
      const message = JSON.parse(text) as PutMessage;
      if (message.type !== 'put' || !message.delta || !answer.includes('"refused"')) return answer;
      const { table, members } = inside(group, name);
      const own = table.get(message.key);
      if (own && !isTombstone(own.state)) table.advance(own, own.seq + 1, applyDelta(own.state, message.delta));
      return encodeMessage({ type: 'ok', incarnation: members.get(from)?.ownIncarnation });
    });
  }
};

/** Planted bug: a fenced copy goes on accepting changes. */
const skipFenceOfClaim: Damage = (group) => {
  for (const name of group.names) {
    group.network.overrideAnswer(name, ({ text }, answer) => {
      const message = JSON.parse(text) as { type: string; key: string };
      const replica = message.type === 'claim' ? inside(group, name).table.get(message.key) : undefined;
      if (replica) replica.fenced = false;
      return answer;
    });
  }
};

/** Planted bug: the locator in the client's cookie is ignored. */
const skipWitness: Damage = (group) => {
  for (const name of group.names) {
    const { locators } = group.store(name) as unknown as { locators: { parse: () => undefined } };
    locators.parse = () => undefined;
  }
};

/** Planted bug: a change counts as stored before the backup has it. */
const acknowledgeBeforeBackup: Damage = (group) => {
  for (const name of group.names) {
    const { calls, members } = inside(group, name);
    const ask = calls.ask.bind(calls);
    const hasty = (...[peer, message, persistently]: Parameters<typeof ask>): Promise<unknown> => {
      if (message.type !== 'put' || !message.delta) return ask(peer, message, persistently);
      void ask(peer, message, persistently).catch(() => undefined);
      return Promise.resolve({ type: 'ok', incarnation: members.get(peer.name)?.incarnation });
    };
    (calls as { ask: unknown }).ask = hasty;
  }
};

/** Each scenario plays one critical moment, and describes the wrong answer that a client gets, if any. */
const scenarios = {
  'a change that arrives after another member took over': async (group) => {
    const client = await begin(group);
    const backup = backupOf(client);
    const other = group.names.find((name) => name !== 's1' && name !== backup) as string;
    const late = client.fork();
    const arrive = new Latch();
    // No message reaches s1, and its own messages take long.
    group.network.fateOf = ({ from, to }) => (from === 's1' ? arrive.opened : to === 's1' ? 'fail' : 'deliver');
    const saving = late.add(group.store('s1'), 'late');
    await client.add(group.store(other), 'acknowledged');
    arrive.open();
    group.network.fateOf = () => 'deliver';
    await saving;
    return missing(group, client, ['first', 'acknowledged', 'late'], other);
  },

  'a change while another member is about to take over': async (group) => {
    const client = await begin(group);
    const claimed = new Latch();
    const proceed = new Latch();
    const taker = group.names.find((name) => name !== 's1' && name !== backupOf(client)) as string;
    group.network.fateOf = ({ from, type }) => {
      if (from !== taker || type !== 'put') return 'deliver';
      claimed.open();
      return proceed.opened;
    };
    const taking = client.fork().read(group.store(taker));
    await claimed.opened;
    const saving = client.add(group.store('s1'), 'acknowledged');
    // With the fence, the save waits until the session has an owner again.
    await Promise.race([saving, new Promise((resolve) => setTimeout(resolve, 200))]);
    proceed.open();
    await Promise.all([taking, saving]);
    group.network.fateOf = () => 'deliver';
    return missing(group, client.fork(), ['first', 'acknowledged']);
  },

  'a read at a member that was cut off when others went on': async (group) => {
    const client = await begin(group);
    const other = group.names.find((name) => name !== 's1' && name !== backupOf(client)) as string;
    group.network.isolate('s1');
    await client.add(group.store(other), 'acknowledged');
    return missing(group, client, ['first', 'acknowledged'], 's1');
  },

  'a crash right after a change was acknowledged': async (group) => {
    const client = await begin(group);
    let isFirst = true;
    group.network.fateOf = ({ type, text }) => {
      const isLost = isFirst && type === 'put' && text.includes('"delta"');
      if (isLost) isFirst = false;
      return isLost ? 'fail' : 'deliver';
    };
    await client.add(group.store('s1'), 'acknowledged');
    group.kill('s1');
    return missing(group, client, ['first', 'acknowledged'], backupOf(client));
  },
} satisfies Record<string, (group: ReplicatedGroup) => Promise<string | undefined>>;

const options: { readonly [scenario in keyof typeof scenarios]?: Partial<ReplicatedSessionStoreOptions> } = {
  // The late message must arrive while its sender still waits for the answer.
  'a change that arrives after another member took over': { callTimeoutMs: 5_000 },
  // A ping would tell the primary that its copy was claimed, and hide that it is not fenced.
  'a change while another member is about to take over': {
    callTimeoutMs: 5_000,
    heartbeatMs: 30_000,
    leaseMs: 60_000,
    lostAfterMs: 60_000,
    goneAfterMs: 60_000,
  },
};

async function begin(group: ReplicatedGroup): Promise<ReplicatedClient> {
  const client = new ReplicatedClient();
  await client.create(group.store('s1'));
  return client;
}

function backupOf({ locator = '' }: ReplicatedClient): string {
  return locator.split('.')[1] as string;
}

/** Describes the words that an answer lacks. A member may also answer 503, because that shows nothing. */
async function missing(
  group: ReplicatedGroup,
  client: ReplicatedClient,
  words: readonly string[],
  member?: string,
): Promise<string | undefined> {
  for (const name of member === undefined ? group.names : [member]) {
    const read = await client.read(group.store(name)).catch(() => undefined);
    if (!read) continue;
    if (!Array.isArray(read)) return `${name} says ${JSON.stringify(read)}`;
    const lost = words.filter((word) => !read.includes(word));
    if (lost.length > 0) return `${name} shows ${read.join(' ')} without ${lost.join(' ')}`;
  }
  return undefined;
}

async function run(scenario: keyof typeof scenarios, damage?: Damage): Promise<string | undefined> {
  const group = await ReplicatedGroup.open(3, options[scenario]);
  try {
    damage?.(group);
    return await scenarios[scenario](group);
  } finally {
    group.network.heal();
    group.network.fateOf = () => 'deliver';
    await group.close();
  }
}

describe('the scenarios of replication', () => {
  it.each(Object.keys(scenarios) as (keyof typeof scenarios)[])(
    'show every acknowledged change: %s',
    async (scenario) => {
      expect(await run(scenario)).toBeUndefined();
    },
  );

  it.each([
    ['a put whose epoch is not checked', skipEpochCheckOfPut, 'a change that arrives after another member took over'],
    ['a claim that does not fence the copy', skipFenceOfClaim, 'a change while another member is about to take over'],
    ['a cookie whose locator is ignored', skipWitness, 'a read at a member that was cut off when others went on'],
    [
      'an acknowledgement before the backup has it',
      acknowledgeBeforeBackup,
      'a crash right after a change was acknowledged',
    ],
  ] as const)('find %s', async (_title, damage, scenario) => {
    expect(await run(scenario, damage)).toMatch(/ shows .* without /);
  });
});
