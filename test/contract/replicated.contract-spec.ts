import { afterAll, describe, it } from '@jest/globals';
import type { SessionStore } from 'nestjs-session-beans';
import { describeSessionStore, type SessionStoreSetup } from 'nestjs-session-beans/testing';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** Timeouts that even a busy machine keeps. No member may be considered lost here. */
const PATIENT = { callTimeoutMs: 2_000, heartbeatMs: 500, leaseMs: 5_000, lostAfterMs: 10_000, goneAfterMs: 60_000 };

/** With a secret, a store ignores the locator that a client has from another session. */
const secret = 'at least sixteen bytes';

for (const size of [2, 3]) {
  const groups = new Map<string, ReplicatedGroup>();
  afterAll(() => Promise.all([...groups.values()].map((group) => group.close())));

  /** The stores of a test are the members of one group, in turn. */
  const create = async ({ namespace, clock }: SessionStoreSetup): Promise<SessionStore> => {
    const known = groups.get(namespace);
    if (!known) {
      groups.set(namespace, await ReplicatedGroup.open(size, { ...PATIENT, secret, clock }));
      return create({ namespace, clock });
    }
    const next = known.names[known.handedOut++ % size] as string;
    return known.store(next);
  };

  const createSmall = async ({ namespace, clock }: SessionStoreSetup): Promise<SessionStore> => {
    const bounds = { maxSessions: 20, maxBytes: 100_000 };
    const group = await ReplicatedGroup.open(size, { ...PATIENT, secret, clock, ...bounds });
    groups.set(`${namespace} small`, group);
    return group.store('s1');
  };

  describeSessionStore(`replicated, ${size} members`, create, { runner: { describe, it }, createSmall });
}
