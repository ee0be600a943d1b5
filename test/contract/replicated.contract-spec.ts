import { afterAll, describe, it } from '@jest/globals';
import type { SessionStore } from 'nestjs-session-beans';
import { describeSessionStore, type SessionStoreSetup } from 'nestjs-session-beans/testing';
import { ReplicatedGroup } from '../support/replicated-group.js';

/** Timeouts that a busy machine keeps: here nobody is meant to be lost. */
const PATIENT = { callTimeoutMs: 2_000, heartbeatMs: 500, leaseMs: 5_000, lostAfterMs: 10_000, goneAfterMs: 60_000 };

/** What a client brings of another session is none of the store's then. */
const secret = 'at least sixteen bytes';

for (const size of [2, 3]) {
  const groups = new Map<string, ReplicatedGroup>();
  afterAll(() => Promise.all([...groups.values()].map((group) => group.close())));

  /** The stores of a test are members of one group, one after the other. */
  const create = async ({ namespace, clock }: SessionStoreSetup): Promise<SessionStore> => {
    const known = groups.get(namespace);
    if (!known) {
      groups.set(namespace, await ReplicatedGroup.open(size, { ...PATIENT, secret, clock }));
      return create({ namespace, clock });
    }
    const next = known.names[known.handedOut++ % size] as string;
    return known.store(next);
  };

  describeSessionStore(`replicated, ${size} members`, create, { runner: { describe, it } });
}
