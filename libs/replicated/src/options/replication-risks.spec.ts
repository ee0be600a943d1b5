import { describe, expect, it } from '@jest/globals';
import type { ReplicatedSessionStoreOptions } from './replicated-session-store.options.js';
import { replicationRisks } from './replication-risks.js';

const there = { name: 's2', host: '10.0.0.2', port: 7001 };
const here = { name: 's2', host: '127.0.0.1', port: 7001 };
const secret = 's'.repeat(32);
const safe = { nodeName: 's1', members: [], quorum: true, secret } satisfies ReplicatedSessionStoreOptions;
const tls = { ca: '', cert: '', key: '' };

describe('the risks of a replicated store', () => {
  const codesOf = (options: Partial<ReplicatedSessionStoreOptions>, member = here): string[] =>
    replicationRisks({ ...safe, ...options }, [{ member }]).map(({ code, severity }) => `${code} ${severity}`);

  it('are none where it is set up well', () => expect(codesOf({ tls }, there)).toEqual([]));

  it('are messages that can be read on the way, between machines and without TLS', () => {
    expect(codesOf({}, there)).toEqual(['replication-without-tls medium']);
    expect(codesOf({}, here)).toEqual([]);
  });

  it('are a secret that is accepted and short, and a split network, unless changes are refused there', () => {
    expect(codesOf({ secret: 's'.repeat(31) })).toEqual(['short-key medium']);
    expect(codesOf({ quorum: false })).toEqual(['replication-without-quorum low']);
    expect(codesOf({ quorum: false, onAlone: 'reject' })).toEqual([]);
  });
});
