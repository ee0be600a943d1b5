import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';
import type { SessionCreation, SessionRenewal } from '../../libs/session/src/store/session-change.js';
import type { SessionAccess } from '../../libs/session/src/store/session-id.js';
import type { SessionIdentity, SessionRecord, StoredPart } from '../../libs/session/src/store/session-record.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { changeParts } from '../../libs/session/src/store/heap/change-parts.js';
import { packParts, unpackParts } from '../../libs/session/src/store/heap/packed-parts.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';

type WireRecord = Omit<SessionRecord, 'parts'> & { readonly parts: [string, StoredPart][] };

const TIMES = {
  createdAt: 0,
  authenticatedAt: undefined,
  lastAccessedAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  joined: true,
  confirmed: true,
} as const;

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
  const stored = async (key: string): Promise<SessionRecord | undefined> => {
    const text = sessions.has(key) ? undefined : await send(JSON.stringify({ get: key }));
    if (text !== undefined) sessions.set(key, unpack(text));
    return sessions.get(key);
  };
  const find = async ({ key, proof, logins }: SessionAccess): Promise<SessionRecord | undefined> => {
    const record = await stored(key);
    return record && (record.proof === proof || record.logins === logins) ? record : undefined;
  };

  return {
    name: 'naive',
    contract: 1,
    shared: true,
    locates: true,
    open: () =>
      transport.listen(async (_from, text) => {
        const message = JSON.parse(text) as { get?: string; put?: string; drop?: string; record?: WireRecord };
        if (message.put !== undefined) sessions.set(message.put, unpack(JSON.stringify(message.record)));
        if (message.drop !== undefined) sessions.delete(message.drop);
        const record = sessions.get(message.get ?? '');
        return record ? pack(record) : message.get === undefined ? 'done' : '';
      }),
    async load(access) {
      const record = await find(access);
      return record ? { outcome: 'found', record, ...located() } : { outcome: 'none' };
    },
    async save(change) {
      const key = change.mode === 'create' ? change.key : change.access.key;
      const old = change.mode === 'create' ? await stored(key) : await find(change.access);
      if (change.mode === 'update' && !old) return { outcome: 'gone' };
      if (change.mode === 'create' && old) return { outcome: 'conflict', record: old, ...located() };
      const stamp = `${Number.parseInt(old?.stamp ?? '0', 10) + 1}.${change.writeId}`;
      const renewal = change.mode === 'create' ? undefined : change.renewal;
      const parts = changeParts(packParts(old?.parts ?? new Map()), change.parts, stamp, renewal?.keep);
      if (!parts && old) return { outcome: 'conflict', record: old, ...located() };
      const identity = change.mode === 'create' ? firstIdentity(change) : renewed(old as SessionRecord, renewal);
      const lifetime = change.lifetime ?? (old as SessionRecord).lifetime;
      const record = { ...TIMES, ...identity, stamp, lifetime, parts: unpackParts(parts ?? []) };
      sessions.set(key, record);
      await send(JSON.stringify({ put: key, record: JSON.parse(pack(record)) as WireRecord }));
      return { outcome: 'saved', stamp, times: record, ...located() };
    },
    touch: async (access) => ((await find(access)) ? { outcome: 'touched' } : { outcome: 'none' }),
    async destroy(access) {
      if (!(await find(access))) return { outcome: 'none' };
      await send(JSON.stringify({ drop: access.key }));
      sessions.delete(access.key);
      return { outcome: 'ended' };
    },
    supersede: () => undefined,
    close: () => transport.close(),
  };
}

function firstIdentity({ proof, principal }: SessionCreation): SessionIdentity {
  return { proof, generation: 0, logins: principal === undefined ? 0 : 1, principal };
}

function renewed({ proof, generation, logins, principal }: SessionRecord, renewal?: SessionRenewal): SessionIdentity {
  if (!renewal) return { proof, generation, logins, principal };
  const isOther = renewal.principal !== undefined && renewal.principal !== principal;
  return {
    proof: renewal.proof,
    generation: generation + 1,
    logins: logins + Number(isOther),
    principal: renewal.principal ?? principal,
  };
}

function pack(record: SessionRecord): string {
  return JSON.stringify({ ...record, parts: [...record.parts] });
}

function unpack(text: string): SessionRecord {
  const record = JSON.parse(text) as WireRecord;
  return { ...record, parts: new Map(record.parts) };
}
