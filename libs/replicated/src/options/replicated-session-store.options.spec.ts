import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import { type ReplicatedSessionStoreOptions, resolveReplicatedOptions } from './replicated-session-store.options.js';

const MEMBERS = [
  { name: 's1', host: '10.0.0.1', port: 7001 },
  { name: 's2', host: '10.0.0.2', port: 7001 },
];
const OPTIONS = { nodeName: 's1', members: MEMBERS };

describe('options of the replicated store', () => {
  it('have the defaults that are documented', () => {
    expect(resolveReplicatedOptions(OPTIONS)).toMatchObject({
      refreshMembersMs: 5_000,
      onAlone: 'degrade',
      quorum: false,
      callTimeoutMs: 250,
      heartbeatMs: 100,
      leaseMs: 400,
      lostAfterMs: 1_000,
      goneAfterMs: 60_000,
      maxSessions: 100_000,
      maxBytes: 256 * 1024 * 1024,
    });
  });

  it.each([
    [{ nodeName: 's-1' }, "nodeName is 's-1': allowed are 1 to 32 letters and digits"],
    [{ nodeName: 's3' }, "nodeName 's3' is not among them: 's1', 's2'; add this server, or correct its name"],
    [{ members: undefined }, 'members: allowed is a list of members or a function'],
    [{ members: [] }, "nodeName 's1' is not among them: nobody"],
    [{ members: [...MEMBERS, MEMBERS[0]] }, "there are two members named 's1'"],
    [{ members: [{ ...MEMBERS[0], name: 's.1' }] }, "a member is named 's.1'"],
    [{ members: [{ ...MEMBERS[0], host: '' }] }, "member 's1' has no host"],
    [{ members: [{ ...MEMBERS[0], port: 0 }] }, "member 's1' has port 0"],
    [{ members: [null] }, 'a member is named undefined'],
    [{ onAlone: 'hope' }, "onAlone is 'hope': allowed is 'degrade' or 'reject'"],
    [{ quorum: 'yes' }, "quorum is 'yes'"],
    [{ secret: 'short' }, 'secret: allowed is a text of at least 16 bytes'],
    [{ listen: { host: 'h', port: 70_000 } }, 'listen: allowed is { host, port }'],
    [{ leaseMs: 100 }, 'leaseMs is 100: allowed is more than heartbeatMs, which is 100'],
    [{ lostAfterMs: 300 }, 'lostAfterMs is 300: allowed is leaseMs, which is 400, or more'],
    [{ goneAfterMs: 999 }, 'goneAfterMs is 999: allowed is lostAfterMs, which is 1000, or more'],
    [{ callTimeoutMs: 1.5 }, 'callTimeoutMs is 1.5: allowed is a whole number from 1'],
    [{ maxSessions: 0 }, 'maxSessions is 0'],
    [{ maxBytes: Infinity }, 'maxBytes is Infinity'],
    [{ onEvent: 'log' }, "onEvent is 'log': allowed is a function"],
    [{ transport: {} }, 'allowed is a ReplicationTransport'],
    [{ peers: [] }, 'peers: no such option'],
  ])('%j is refused', (wrong, text) => {
    const resolve = () => resolveReplicatedOptions({ ...OPTIONS, ...wrong } as ReplicatedSessionStoreOptions);

    expect(resolve).toThrow(SessionConfigurationError);
    expect(resolve).toThrow(text);
  });

  it('does not show a secret that is refused', () => {
    expect(() => resolveReplicatedOptions({ ...OPTIONS, secret: 'hunter2' })).toThrow(/^(?!.*hunter2)/);
  });
});
