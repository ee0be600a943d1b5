import { describe, expect, it } from '@jest/globals';
import { resolveReplicatedOptions } from '../options/replicated-session-store.options.js';
import { answerMessage } from './answer-message.js';
import { encodeMessage, MESSAGE_FORMAT } from './message-format.js';
import { createReplicationContext } from './replication-context.js';
import type { ReplicationTransport } from '../transports/replication-transport.js';

const MEMBERS = ['s1', 's2'].map((name) => ({ name, host: '127.0.0.1', port: 1 }));

const LEAVING = { type: 'leaving', process: '5-a' } as const;

/** A member whose calls are answered with this text. */
function open(answer: string) {
  const events: unknown[] = [];
  const options = resolveReplicatedOptions({
    nodeName: 's1',
    members: MEMBERS,
    onEvent: (event) => events.push(event),
  });
  const transport: ReplicationTransport = { listen: async () => {}, call: async () => answer, close: async () => {} };
  const context = createReplicationContext(options, () => transport);
  context.members.update(MEMBERS);
  const peer = context.members.get('s2');
  if (!peer) throw new Error('no peer');
  const send = () => context.calls.ask(peer, LEAVING, true);
  return { context, events, send };
}

const NOTHING = { onLeaving: () => {}, onBranch: () => {} };

describe('a message', () => {
  const { context } = open('');
  const answer = (message: object) => answerMessage(context, 's2', message, NOTHING);

  it('of this format is answered', () => {
    expect(answer({ ...LEAVING, v: MESSAGE_FORMAT })).toEqual({ type: 'done' });
  });

  it('of a newer format is not: the answer says which one is understood', () => {
    expect(answer({ ...LEAVING, v: MESSAGE_FORMAT + 1 })).toEqual({ type: 'newer', format: MESSAGE_FORMAT });
  });

  it.each([LEAVING, { ...LEAVING, v: 'x' }, { ...LEAVING, v: 1.5 }, { v: MESSAGE_FORMAT }, {}])(
    'like %j is none',
    (message) => {
      expect(answer(message)).toEqual({ type: 'bad' });
    },
  );

  it('of a stranger is none', () => {
    expect(answerMessage(context, 's3', { ...LEAVING, v: MESSAGE_FORMAT }, NOTHING)).toEqual({ type: 'bad' });
  });
});

describe('the message that a member shuts down', () => {
  it('says nothing of a later process if it arrives late', () => {
    const { context } = open('');
    const peer = context.members.get('s2');
    const leave = (process: string) =>
      answerMessage(context, 's2', { ...LEAVING, process, v: MESSAGE_FORMAT }, NOTHING);
    peer?.noteMessage('6-b', 0);
    leave('5-a');
    expect(peer?.isLeaving).toBe(false);
    leave('6-b');
    expect(peer?.isLeaving).toBe(true);
  });
});

describe('an answer', () => {
  it('of this format is taken', async () => {
    await expect(open(encodeMessage({ type: 'done' })).send()).resolves.toMatchObject({ type: 'done' });
  });

  it('of a newer format is refused as written by a newer release, and reported once', async () => {
    const { send, events } = open(JSON.stringify({ v: MESSAGE_FORMAT + 1, type: 'done' }));

    for (let i = 0; i < 3; i++)
      await expect(send()).rejects.toThrow(
        `the answer of member 's2' was written by a newer release: it has format ${MESSAGE_FORMAT + 1}, and this one ` +
          `reads up to ${MESSAGE_FORMAT}`,
      );
    expect(events).toEqual([{ type: 'otherRelease', member: 's2' }]);
  });

  it('that it does not understand this release is told as such', async () => {
    const { send, events } = open(encodeMessage({ type: 'newer', format: 0 }));

    await expect(send()).rejects.toThrow(`member 's2' runs an older release: it reads messages up to format 0`);
    expect(events).toEqual([{ type: 'otherRelease', member: 's2' }]);
  });

  it.each(['{"type":"done"}', '{}', 'null', '1', encodeMessage({ type: 'bad' })])('%s is none', async (text) => {
    await expect(open(text).send()).rejects.toMatchObject({ reason: 'rejected' });
  });
});
