import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ReplicationTransport } from '../../libs/replicated/src/transports/replication-transport.js';
import { OpenCredentials } from '../../libs/replicated/src/transports/credentials/open-credentials.js';
import { SealedCredentials } from '../../libs/replicated/src/transports/credentials/sealed-credentials.js';
import { eventually } from '../support/eventually.js';
import { rawConversation } from '../support/raw-client.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { TestAuthority } from '../support/test-authority.js';
import {
  type TestMember,
  TransportGroup,
  type TransportSetting,
  callMember,
  transportSettings,
} from './transport-settings.js';

const withSecret = transportSettings.filter(({ hasSecret }) => hasSecret);
const withTls = transportSettings.filter(({ hasTls }) => hasTls);
const withProof = transportSettings.filter(({ hasTls, hasSecret }) => hasTls || hasSecret);

describe.each(withSecret)(
  'R44 F38 the $adapter transport, $protection, with a member of another secret,',
  (setting) => {
    const members = pairOf(setting);

    it('rejects the caller and tells why', async () => {
      const { group, s2 } = members();
      const stranger = await group.member('s1', { secret: 'another secret than theirs' });
      await expectRejected(stranger, s2);
      expect(s2.warnings).toEqual([expect.stringContaining('does not know the secret')]);
    });

    it('does not trust the called member', async () => {
      const { group, s1 } = members();
      const stranger = await group.member('s2', { secret: 'another secret than theirs' });
      await expectRejected(s1, stranger);
    });

    it('rejects a caller without any secret', async () => {
      const { group, s2 } = members();
      const { secret: _, ...options } = await group.optionsOf('s1');
      const call = callMember(group.transport({ ...options, onWarning: () => undefined }), s2, 'hello');
      await expect(call).rejects.toMatchObject({ reason: 'rejected' });
      expect(s2.heard).toEqual([]);
    });
  },
);

describe.each(withTls)('the $adapter transport, $protection, with a wrong certificate,', (setting) => {
  const members = pairOf(setting);
  let others: TestAuthority;
  beforeAll(() => {
    others = new TestAuthority();
  });
  afterAll(() => others.remove());

  it('rejects a caller whose certificate another authority has signed', async () => {
    const { group, s2 } = members();
    const tls = { ...others.certificateOf('s1'), ca: group.certificateOf('s1')?.ca ?? '' };
    await expectRejected(await group.member('s1', { tls }), s2);
    await eventually('the warning', () =>
      s2.warnings.some((warning) => warning.includes('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
    );
  });

  it('does not trust a member whose certificate another authority has signed', async () => {
    const { group, s1 } = members();
    const tls = { ...others.certificateOf('s2'), ca: group.certificateOf('s2')?.ca ?? '' };
    await expectRejected(s1, await group.member('s2', { tls }));
  });

  it('does not trust a member whose certificate has another name', async () => {
    const { group, s1 } = members();
    const s3 = await group.member('s3');
    pretend(s3.transport, 's2', group);
    await expectRejected(s1, { ...s3, name: 's2' });
  });

  it('rejects a caller whose name differs from its certificate', async () => {
    const { group, s2 } = members();
    const s3 = await group.member('s3');
    pretend(s3.transport, 's1', group);
    await expectRejected(s3, s2);
    expect(s2.warnings).toEqual([expect.stringContaining('its certificate is of another name')]);
  });

  it('rejects a caller without a certificate', async () => {
    const { group, s2 } = members();
    const socket = connectTls({
      port: s2.port,
      host: '127.0.0.1',
      ca: group.certificateOf('s1')?.ca,
      servername: 's2',
    });
    socket.on('error', () => undefined);
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(pieces).toEqual([]);
    await eventually('the warning', () =>
      s2.warnings.some((warning) => warning.includes('did not return a certificate')),
    );
  });

  it('rejects a caller without TLS', async () => {
    const { group, s2 } = members();
    const { tls: _, ...options } = await group.optionsOf('s1');
    const call = callMember(group.transport({ ...options, onWarning: () => undefined }), s2, 'hello');
    await expect(call).rejects.toMatchObject({ reason: 'rejected' });
    expect(s2.heard).toEqual([]);
  });
});

describe.each(withProof)('R44 F25 the $adapter transport, $protection, on a hostile network,', (setting) => {
  const members = pairOf(setting);
  let proxy: TcpProxy;
  beforeEach(async () => {
    proxy = await TcpProxy.start(members().s2.port, { isRecording: true });
  });
  const close = (): Promise<void> => proxy.close();

  it('does not deliver replayed calls, neither to the same member nor after its restart', async () => {
    const { group, s1, s2 } = members();
    for (const text of ['one', 'two', 'three']) await callMember(s1.transport, { ...s2, port: proxy.port }, text);
    const [recorded = Buffer.alloc(0)] = proxy.recordings;
    expect(recorded.length).toBeGreaterThan(100);
    const replay = rawConversation(s2.port, recorded);
    await replay.heard;
    expect(s2.heard).toHaveLength(3);

    await s2.transport.close();
    const again = await group.member('s2', { listen: { host: '127.0.0.1', port: s2.port } });
    await rawConversation(s2.port, recorded).heard;
    expect(again.heard).toEqual([]);
    await close();
  });

  it('delivers a call once when the network duplicates everything', async () => {
    const { s1, s2 } = members();
    const reached = { ...s2, port: proxy.port };
    await callMember(s1.transport, reached, 'before');
    proxy.tamper = (piece, direction) => (direction === 'toServer' ? Buffer.concat([piece, piece]) : piece);
    await s1.transport.call(reached, 'doubled', 1_000).catch(() => undefined);
    proxy.tamper = (piece) => piece;
    await eventually('an answer', () => s1.transport.call(reached, 'after', 1_000));
    const texts = s2.heard.map(({ text }) => text);
    expect(texts.filter((text) => text === 'doubled').length).toBeLessThanOrEqual(1);
    expect(texts).toEqual(expect.arrayContaining(['before', 'after']));
    await close();
  });

  it.each(['toServer', 'toClient'] as const)(
    'accepts no message that was changed in transit, %s',
    async (direction) => {
      const { s1, s2 } = members();
      const reached = { ...s2, port: proxy.port };
      const sent: string[] = [];
      const answers: string[] = [];
      // Flip a bit ever further back in the data; every second attempt flips another bit.
      for (let attempt = 0; attempt < 24; attempt++) {
        const text = `attempt ${attempt} ${'x'.repeat(60)}`;
        sent.push(text);
        await eventually('a good connection', () => s1.transport.call(reached, text, 1_000));
        let flips = 1;
        proxy.tamper = (piece, way) =>
          way === direction && flips-- > 0 ? flipped(piece, 1 + attempt * 7, attempt % 8) : piece;
        const [answer] = await Promise.allSettled([s1.transport.call(reached, text, 200)]);
        proxy.tamper = (piece) => piece;
        if (answer.status === 'fulfilled') answers.push(answer.value);
      }
      expect(s2.heard.filter(({ from, text }) => from !== 's1' || !sent.includes(text))).toEqual([]);
      expect(answers.filter((answer) => !sent.includes(answer.slice('s2 to s1: '.length)))).toEqual([]);
      expect(answers.length).toBeLessThan(sent.length);
      await close();
    },
  );

  it('delivers no part of a call that was cut off', async () => {
    const { s1, s2 } = members();
    const reached = { ...s2, port: proxy.port };
    await callMember(s1.transport, reached, 'before');
    let cuts = 1;
    proxy.tamper = (piece, way) => {
      if (way !== 'toServer' || cuts === 0) return cuts === 0 && way === 'toServer' ? undefined : piece;
      cuts = 0;
      return piece.subarray(0, piece.length / 2);
    };
    await expect(s1.transport.call(reached, 'cut off'.repeat(20), 500)).rejects.toMatchObject({
      name: 'ReplicationCallError',
    });
    proxy.tamper = (piece) => piece;
    proxy.cut();
    await eventually('an answer', () => s1.transport.call(reached, 'after', 1_000));
    expect(new Set(s2.heard.map(({ text }) => text))).toEqual(new Set(['before', 'after']));
    await close();
  });
});

describe.each(transportSettings)('the $adapter transport, $protection, with a stranger that connects,', (setting) => {
  const members = pairOf(setting);

  it.each([
    ['a length of 1 GB as Nest writes it', Buffer.from(`1073741824#${'x'.repeat(65_536)}`)],
    ['a length of 1 GB as the frames have it', Buffer.concat([Buffer.from([0x40, 0, 0, 0]), Buffer.alloc(65_536)])],
    ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: s2\r\n\r\n')],
    ['a message of Nest', Buffer.from('43#{"pattern":"text","data":"hello","id":"1"}')],
    ['zeros', Buffer.alloc(100_000)],
    ['noise', Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 2_654_435_761) >>> 24))],
  ])('closes the connection on %s, without an answer', async (_what, said) => {
    const { s1, s2 } = members();
    const heard = await rawConversation(s2.port, said).heard;
    expect(wordsIn(heard, setting)).toBe('');
    expect(s2.heard).toEqual([]);
    // The connection is closed at once, not only when the time for a proof of identity is over.
    expect(s2.warnings.filter((warning) => warning.includes('did not prove'))).toEqual([]);
    await expect(callMember(s1.transport, s2, 'all is well')).resolves.toBe('s2 to s1: all is well');
  });
});

describe.each(transportSettings)('the $adapter transport, $protection, after connections have ended', (setting) => {
  const members = pairOf(setting);

  it('keeps no data about them', async () => {
    const { group, s2 } = members();
    const connections = Reflect.get(Reflect.get(s2.transport, 'receiver') as object, 'connections') as object;
    const admitted = Reflect.get(connections, 'admitted') as Map<string, { stopWaiting: unknown }>;
    for (let count = 0; count < 3; count++) {
      const s1 = await group.member('s1');
      await callMember(s1.transport, s2, 'hello');
      expect([...admitted.values()].map(({ stopWaiting }) => stopWaiting)).toContain(undefined);
      await s1.transport.close();
    }
    await eventually('nothing', () => admitted.size === 0);
  });
});

describe('a connection without any message', () => {
  it('is closed after a while, with every transport', async () => {
    const groups = transportSettings.map((setting) => new TransportGroup(setting));
    const all = await Promise.all(groups.map((group) => group.member('s2')));
    const heard = await Promise.all(all.map(({ port }) => rawConversation(port).heard));
    heard.forEach((words, index) => {
      const setting = transportSettings[index];
      expect(setting && wordsIn(words, setting)).toBe('');
    });
    for (const { warnings } of all) expect(warnings).toHaveLength(1);
    await Promise.all(groups.map((group) => group.close()));
  });
});

/** Starts a group with two listening members for each test. */
function pairOf(setting: TransportSetting): () => { group: TransportGroup; s1: TestMember; s2: TestMember } {
  const group = new TransportGroup(setting);
  let pair: { group: TransportGroup; s1: TestMember; s2: TestMember } | undefined;
  beforeEach(async () => {
    pair = { group, s1: await group.member('s1'), s2: await group.member('s2') };
  });
  afterAll(() => group.close());
  return () => {
    if (!pair) throw new Error('only within a test');
    return pair;
  };
}

async function expectRejected(caller: TestMember, called: TestMember): Promise<void> {
  await expect(callMember(caller.transport, called, 'a session')).rejects.toMatchObject({ reason: 'rejected' });
  expect(called.heard).toEqual([]);
}

/** Makes a member claim to be another one. */
function pretend(transport: ReplicationTransport, name: string, { setting, secret }: TransportGroup): void {
  const credentials = setting.hasSecret ? new SealedCredentials(name, secret) : new OpenCredentials(name);
  Reflect.set(Reflect.get(transport, 'options') as object, 'credentials', credentials);
}

function flipped(piece: Buffer, fromEnd: number, bit: number): Buffer {
  const changed = Buffer.from(piece);
  const place = Math.max(0, changed.length - fromEnd);
  changed[place] = (changed[place] ?? 0) ^ (1 << bit);
  return changed;
}

/**
 * The received data without the TLS alert and the settings and goodbye frames of HTTP/2, which reveal nothing about
 * sessions.
 */
function wordsIn(heard: Buffer, { adapter, hasTls }: TransportSetting): string {
  if (hasTls) return heard[0] === 0x15 ? '' : heard.toString('latin1');
  if (adapter === 'grpc') return heard.length <= 100 ? '' : heard.toString('latin1');
  return heard.toString('latin1');
}
