import { describe, expect, it } from '@jest/globals';
import { Peer } from '../members/peer.js';
import { systemTimers } from '../options/replication-timers.js';
import { ReplicationCallError, type ReplicationTransport } from '../transports/replication-transport.js';
import { encodeMessage } from './message-format.js';
import { answerText, MessageGroups } from './message-groups.js';

interface Call {
  readonly member: string;
  readonly messages: readonly { readonly type: string; readonly n: number }[];
  readonly isGroup: boolean;
}

/** A member that sends, and others that give each message back as its answer. */
function open({
  maxMessageBytes,
  reply,
}: { maxMessageBytes?: number; reply?: (text: string) => Promise<string> } = {}) {
  const calls: Call[] = [];
  const echo = async (text: string): Promise<string> => answerText(text, (message) => JSON.stringify(message));
  const transport: ReplicationTransport = {
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
    listen: async () => undefined,
    close: async () => undefined,
    call: async ({ name }, text) => {
      const parsed = JSON.parse(text) as { messages?: Call['messages'] } & Call['messages'][number];
      calls.push({ member: name, messages: parsed.messages ?? [parsed], isGroup: parsed.messages !== undefined });
      return (reply ?? echo)(text);
    },
  };
  const groups = new MessageGroups(() => transport, systemTimers, 250);
  const [s2, s3] = ['s2', 's3'].map((name) => new Peer({ name, host: 'h', port: 1 }, '1-a', 0)) as [Peer, Peer];
  const send = (peer: Peer, n: number, type: 'put' | 'drop' | 'claim' = 'put', more = '') =>
    groups.send(peer, type, encodeMessage({ type, n, more }));
  return { calls, send, s2, s3 };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('messages of one turn of the event loop', () => {
  it('to one member are one call, and each gets its own answer', async () => {
    const { calls, send, s2, s3 } = open();

    const answers = await Promise.all([send(s2, 1), send(s3, 2), send(s2, 3, 'drop'), send(s2, 4)]);

    expect(answers).toMatchObject([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    expect(calls.map(({ member, messages }) => [member, ...messages.map(({ n }) => n)])).toEqual([
      ['s2', 1, 3, 4],
      ['s3', 2],
    ]);
  });

  it('wait for those that the callbacks of the same turn lead to', async () => {
    const { calls, send, s2 } = open();
    await turn();

    const later = Promise.resolve().then(() => send(s2, 2));
    await Promise.all([send(s2, 1), later]);

    expect(calls).toHaveLength(1);
  });

  it('are no group when there is only one', async () => {
    const { calls, send, s2 } = open();

    await send(s2, 1);
    await send(s2, 2);

    expect(calls.map(({ isGroup }) => isGroup)).toEqual([false, false]);
  });

  it('travel alone and at once when their answer may be a whole session', async () => {
    const { calls, send, s2 } = open();

    const sent = [send(s2, 1), send(s2, 2, 'claim'), send(s2, 3, 'claim')];

    expect(calls.map(({ messages }) => messages.map(({ n }) => n))).toEqual([[2], [3]]);
    await Promise.all(sent);
  });

  it('travel in several groups when they are many, or large', async () => {
    const { calls, send, s2 } = open();

    const answers = await Promise.all(Array.from({ length: 600 }, (_, n) => send(s2, n)));
    expect(calls.map(({ messages }) => messages.length)).toEqual([256, 256, 88]);
    expect(answers).toMatchObject(Array.from({ length: 600 }, (_, n) => ({ n })));

    calls.length = 0;
    await Promise.all([1, 2, 3, 4].map((n) => send(s2, n, 'put', 'x'.repeat(n === 3 ? 100_000 : 15_000))));
    expect(calls.map(({ messages }) => messages.map(({ n }) => n))).toEqual([[1, 2], [3], [4]]);
  });

  it('fit into the largest message of the transport', async () => {
    const { calls, send, s2 } = open({ maxMessageBytes: 2_000 });

    await Promise.all([1, 2, 3, 4].map((n) => send(s2, n, 'put', 'x'.repeat(400))));

    expect(calls.map(({ messages }) => messages.length)).toEqual([2, 2]);
  });

  it('all fail when their call fails', async () => {
    const failure = new ReplicationCallError('silent', 'no answer');
    const { send, s2 } = open({ reply: () => Promise.reject(failure) });

    const outcomes = await Promise.allSettled([send(s2, 1), send(s2, 2)]);

    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([failure, failure]);
  });

  it.each([
    ['that it runs an older release', { type: 'newer', format: 0 }, { v: 1, type: 'newer', format: 0 }],
    ['that it does not understand', { type: 'bad' }, { v: 1, type: 'bad' }],
    ['as if there had been one message', { type: 'ok', incarnation: 'p.1' }, undefined],
    ['too few of them', { type: 'group', answers: [{ v: 1, type: 'ok' }] }, undefined],
    ['what is no list', { type: 'group', answers: { length: 2 } }, undefined],
  ])('get no answer of another when the member says %s', async (_title, given, expected) => {
    const { send, s2 } = open({ reply: async () => encodeMessage(given) });

    const answers = await Promise.all([send(s2, 1), send(s2, 2)]);

    expect(answers).toEqual([expected, expected]);
  });
});

describe('a text of another member', () => {
  const one = (message: unknown) => encodeMessage({ type: 'seen', message });

  it('that is a group has each of its messages answered, in their order', () => {
    const handled: unknown[] = [];
    const text = encodeMessage({ type: 'group', messages: ['a', { type: 'group', messages: [] }, 'c'] });

    const answer = answerText(text, (message) => encodeMessage({ n: handled.push(message) }));

    expect(handled).toEqual(['a', { type: 'group', messages: [] }, 'c']);
    expect(JSON.parse(answer)).toEqual({ v: 1, type: 'group', answers: [1, 2, 3].map((n) => ({ v: 1, n })) });
  });

  it.each([
    ['no JSON', '{', undefined],
    ['a group of another format', '{"v":2,"type":"group","messages":[]}', { v: 2, type: 'group', messages: [] }],
    ['a group without a list', '{"v":1,"type":"group"}', { v: 1, type: 'group' }],
  ])('that is %s is answered as one message', (_title, text, message) => {
    expect(answerText(text, one)).toBe(one(message));
  });

  it('that is a group of more messages than a member sends is not taken apart', () => {
    const group = { v: 1, type: 'group', messages: Array.from({ length: 257 }, () => 0) };

    expect(answerText(JSON.stringify(group), one)).toBe(one(group));
  });
});
