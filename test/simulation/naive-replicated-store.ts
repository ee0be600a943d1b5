import { SessionStoreError } from '../../libs/session/src/errors/session-store.error.js';
import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';
import type { SessionRecord, StoredPart } from '../../libs/session/src/store/session-record.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { changeParts } from '../../libs/session/src/store/heap/change-parts.js';
import { packParts, unpackParts } from '../../libs/session/src/store/heap/packed-parts.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

type WireRecord = Omit<SessionRecord, 'parts'> & { readonly parts: [string, StoredPart][] };

const TIMES = { createdAt: 0, lastAccessedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, joined: true } as const;

/**
 * A naive protocol with a primary and a backup but no epochs. It proves that the simulation can find bugs. Each answer
 * has a new locator; otherwise every schedule would stop at `oneOwner`, and the other violations would never show.
 */
export function naiveReplicatedStores(): StoreUnderSimulation {
  let answers = 0;
  return { create: (options) => naiveReplicatedStore(options, () => (answers++).toString(36)) };
}

function naiveReplicatedStore(
  { nodeName, members, transport }: ReplicatedSessionStoreOptions,
  nextCounter: () => string,
): SessionStore {
  if (typeof members === 'function' || !transport) throw new Error('needs a list of members and a transport');
  const sessions = new Map<string, SessionRecord>();
  const others = members.filter(({ name }) => name !== nodeName);
  const backup = others[0];
  const located = () => ({ locator: `${nodeName}.${backup?.name}.${nextCounter()}.-` });

  const send = async (text: string): Promise<string | undefined> => {
    for (const member of others) {
      try {
        const answer = await transport.call(member, text, 50);
        if (answer !== '') return answer;
      } catch {
        // Ask the next member.
      }
    }
    return undefined;
  };
  const find = async (key: string): Promise<SessionRecord | undefined> => {
    const text = sessions.has(key) ? undefined : await send(JSON.stringify({ get: key }));
    if (text !== undefined) sessions.set(key, unpack(text));
    return sessions.get(key);
  };

  return {
    name: 'naive',
    capabilities: { shared: true, locates: true },
    open: () =>
      transport.listen(async (_from, text) => {
        const message = JSON.parse(text) as { get?: string; put?: string; drop?: string; record?: WireRecord };
        if (message.put !== undefined) sessions.set(message.put, unpack(JSON.stringify(message.record)));
        if (message.drop !== undefined) sessions.delete(message.drop);
        const record = sessions.get(message.get ?? '');
        return record ? pack(record) : message.get === undefined ? 'done' : '';
      }),
    async load(key) {
      const record = await find(key);
      return record ? { outcome: 'found', record, ...located() } : { outcome: 'none' };
    },
    async save({ key, mode, parts: changes, writeId, lifetime }) {
      const old = await find(key);
      if (!old && mode === 'update') return { outcome: 'gone' };
      const known = old?.lifetime ?? lifetime;
      if (!known) throw new SessionStoreError('naive', 'save', 'a creation without a lifetime');
      const stamp = `${Number.parseInt(old?.stamp ?? '0', 10) + 1}.${writeId}`;
      const parts = changeParts(packParts(old?.parts ?? new Map()), changes, stamp);
      if (!parts && old) return { outcome: 'conflict', record: old, ...located() };
      const record = { ...TIMES, stamp, lifetime: known, parts: unpackParts(parts ?? []) };
      sessions.set(key, record);
      await send(JSON.stringify({ put: key, record: JSON.parse(pack(record)) as WireRecord }));
      return { outcome: 'saved', stamp, times: record, ...located() };
    },
    touch: async (key) => (await find(key)) !== undefined,
    async destroy(key) {
      await send(JSON.stringify({ drop: key }));
      return sessions.delete(key);
    },
    close: () => transport.close(),
  };
}

function pack(record: SessionRecord): string {
  return JSON.stringify({ ...record, parts: [...record.parts] });
}

function unpack(text: string): SessionRecord {
  const record = JSON.parse(text) as WireRecord;
  return { ...record, parts: new Map(record.parts) };
}
