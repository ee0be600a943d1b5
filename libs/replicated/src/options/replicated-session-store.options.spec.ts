import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import { type ReplicatedSessionStoreOptions, resolveReplicatedOptions } from './replicated-session-store.options.js';

const MEMBERS = [
  { name: 's1', host: '10.0.0.1', port: 7001 },
  { name: 's2', host: '10.0.0.2', port: 7001 },
];
const OPTIONS = { nodeName: 's1', members: MEMBERS, secret: 'a secret of 16 bytes or more' };

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
    [{ nodeName: 's-1' }, 'option nodeName = "s-1": allowed is 1 to 32 letters and digits'],
    [{ nodeName: undefined }, 'option nodeName = undefined: allowed is 1 to 32 letters and digits'],
    [{ nodeName: 's3' }, 'option nodeName = "s3": allowed is the name of one of the members, which are s1, s2'],
    [{ members: undefined }, 'option members = undefined: allowed is a list of members, or a function that finds them'],
    [{ members: [] }, 'option nodeName = "s1": allowed is the name of one of the members, which are nobody'],
    [
      { members: [...MEMBERS, MEMBERS[0]] },
      'option members[2].name = "s1": allowed is a name that no other member has',
    ],
    [{ members: [{ ...MEMBERS[0], name: 's.1' }] }, 'option members[0].name = "s.1": allowed is 1 to 32 letters'],
    [{ members: [{ ...MEMBERS[0], host: '' }] }, 'option members[0].host = "": allowed is a host or an address'],
    [
      { members: [{ ...MEMBERS[0], port: 0 }] },
      'option members[0].port = 0: allowed is a whole number from 1 to 65535',
    ],
    [{ members: [{ ...MEMBERS[0], zone: 1 }] }, 'option members[0].zone = 1: allowed is a text'],
    [{ members: [null] }, 'option members[0] = null: allowed is an object with name, host and port'],
    [{ onAlone: 'hope' }, `option onAlone = "hope": allowed is 'degrade', 'reject'`],
    [{ quorum: 'yes' }, 'option quorum = "yes": allowed is true, false'],
    [{ secret: 'short' }, 'option secret = a string: allowed is a text of at least 16 bytes'],
    [{ listen: { host: 'h', port: 70_000 } }, 'option listen.port = 70000: allowed is a whole number from 1 to 65535'],
    [
      { leaseMs: 100 },
      'option leaseMs = 100: allowed is a whole number of milliseconds from 101 to 86400000 (more than',
    ],
    [
      { lostAfterMs: 300 },
      'option lostAfterMs = 300: allowed is a whole number of milliseconds from 400 to 86400000 (',
    ],
    [
      { goneAfterMs: 999 },
      'option goneAfterMs = 999: allowed is a whole number of milliseconds from 1000 to 86400000 (',
    ],
    [{ callTimeoutMs: 1.5 }, 'option callTimeoutMs = 1.5: allowed is a whole number of milliseconds from 1'],
    [{ maxSessions: 0 }, 'option maxSessions = 0'],
    [{ maxBytes: Infinity }, 'option maxBytes = Infinity'],
    [{ onEvent: 'log' }, 'option onEvent = a string: allowed is a function'],
    [{ transport: {} }, 'option transport = Object: allowed is a ReplicationTransport'],
    [{ peers: [] }, 'option "peers": no such option'],
  ])('%j is refused', (wrong, text) => {
    const resolve = () => resolveReplicatedOptions({ ...OPTIONS, ...wrong } as ReplicatedSessionStoreOptions);

    expect(resolve).toThrow(SessionConfigurationError);
    expect(resolve).toThrow(`ReplicatedSessionStore ${text}`);
  });

  it('require a secret as soon as a member is beyond loopback', () => {
    const local = { name: 's1', host: '127.0.0.1', port: 7001 };
    const resolve = (members: typeof MEMBERS) => resolveReplicatedOptions({ nodeName: 's1', members });

    expect(resolve([local]).secret).toBeUndefined();
    expect(() => resolve([local, { ...local, name: 's2', host: '10.0.0.2' }])).toThrow(
      'option secret = undefined: allowed is a text of at least 16 bytes, since member s2 is at 10.0.0.2',
    );
  });

  it('does not show a secret that is refused', () => {
    expect(() => resolveReplicatedOptions({ ...OPTIONS, secret: 'hunter2' })).toThrow(/^(?!.*hunter2)/);
  });
});
