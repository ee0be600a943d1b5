import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectionGuard } from './connection-guard.js';
import { MAX_CONNECTIONS } from './wire-limits.js';

const guards: ConnectionGuard[] = [];
afterEach(() => {
  for (const guard of guards.splice(0)) guard.close();
});

describe('the guard of connections', () => {
  it('lets the oldest that has not proved who it is make room for a new one', () => {
    const { connect, vouch, refused } = guarded();
    const proven = connect();
    vouch(proven);
    const [oldest] = Array.from({ length: MAX_CONNECTIONS - 1 }, connect);
    const newest = connect();
    expect(refused).toEqual([oldest]);
    expect([proven.destroyed, newest.destroyed]).toEqual([false, false]);
  });

  it('turns a new one away when all others have proved who they are', () => {
    const { connect, vouch, refused } = guarded();
    const members = Array.from({ length: MAX_CONNECTIONS }, connect);
    for (const member of members) vouch(member);
    const newest = connect();
    expect(refused).toEqual([newest]);
    expect(members.some(({ destroyed }) => destroyed)).toBe(false);
  });

  it('forgets connections that have ended', () => {
    const { connect, refused } = guarded();
    for (let count = 0; count < 2 * MAX_CONNECTIONS; count++) connect().destroy();
    expect(refused).toEqual([]);
  });
});

class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly remoteAddress = '10.0.0.1';

  constructor(readonly remotePort: number) {
    super();
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function guarded(): { connect: () => FakeSocket; vouch: (socket: FakeSocket) => void; refused: unknown[] } {
  const refused: unknown[] = [];
  const guard = new ConnectionGuard((socket) => refused.push(socket));
  guards.push(guard);
  let port = 1;
  const connect = (): FakeSocket => {
    const socket = new FakeSocket(port++);
    guard.admit(socket as unknown as Socket);
    return socket;
  };
  return { connect, vouch: (socket) => guard.markProven(socket), refused };
}
