import { describe, expect, it } from '@jest/globals';
import { Peer } from '../members/peer.js';
import { ReplicationEvents } from '../options/replication-events.js';
import { ReplicationCallError } from '../transports/replication-transport.js';
import { MemberCalls } from './member-calls.js';
import { encodeMessage } from './message-format.js';

/** A member that lets the first message of each test go unanswered, and refuses the second. */
function open(frozenMs: number) {
  let now = 0;
  let sent = 0;
  const timers = { now: () => now, after: () => () => undefined, afterTurn: queueMicrotask };
  const transport = {
    listen: async () => undefined,
    close: async () => undefined,
    call: async () => {
      if (++sent > 1) return encodeMessage({ type: 'refused', counter: 7 });
      now += 250 + frozenMs;
      throw new ReplicationCallError('silent', 'no answer');
    },
  };
  const calls = new MemberCalls(() => transport, timers, 250, new ReplicationEvents(() => undefined));
  const peer = new Peer({ name: 's2', host: 'h', port: 1 }, '1-a', now);
  const message = { type: 'put', key: 'k', counter: 7, backup: 's2', seq: 2, at: 0, process: '1-a' } as const;
  let repeats = 0;
  return { ask: () => calls.ask(peer, message, true, () => repeats++), repeats: () => repeats };
}

describe('a call that is not answered', () => {
  it('is repeated after this process stood still, and the caller is told that the first may have arrived', async () => {
    const { ask, repeats } = open(1_000);

    expect(await ask()).toMatchObject({ type: 'refused' });
    expect(repeats()).toBe(1);
  });

  it('fails otherwise', async () => {
    const { ask, repeats } = open(0);

    await expect(ask()).rejects.toMatchObject({ reason: 'silent', mayHaveArrived: true });
    expect(repeats()).toBe(0);
  });
});
