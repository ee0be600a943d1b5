import { describe, expect, it, jest } from '@jest/globals';
import { createRequire } from 'node:module';
import type { SessionStore } from 'nestjs-session-beans';
import { type ExpressSessionStore, fromExpressSessionStore } from 'nestjs-session-beans/express-session';
import { describeSessionStore } from 'nestjs-session-beans/testing';
import { realTime } from '../../contract/real-time.js';

/** Without their types, of which each has its own. */
type Made = new (options?: object) => ExpressSessionStore;
type Makes = (session: unknown) => Made;

const require = createRequire(import.meta.url);
const expressSession = require('express-session') as { readonly MemoryStore: Made };

describe('stores in the memory of a process, which both servers of a test share', () => {
  const MemoryStore = (require('memorystore') as Makes)(expressSession);
  for (const [name, shared] of Object.entries({
    memorystore: new MemoryStore(),
    'express-session itself': new expressSession.MemoryStore(),
  })) {
    describeSessionStore(name, () => fromExpressSessionStore(shared), realTime);
  }
});

describe('fromExpressSessionStore', () => {
  it('says what the store cannot: no locks, no notices, updates of one server only', () => {
    const store: SessionStore = fromExpressSessionStore(new expressSession.MemoryStore());

    expect([store.name, store.shared, store.updates]).toEqual(['MemoryStore', true, 'per-server']);
    expect([store.locks, store.notices]).toEqual([undefined, undefined]);
  });

  it.each([undefined, {}, expressSession.MemoryStore])('refuses %p, which is no instance of a store', (given) => {
    expect(() => fromExpressSessionStore(given as never)).toThrow('it takes an instance of a store');
  });

  it('passes on what the store says is wrong', async () => {
    const broken = {
      get: jest.fn((_sid: string, callback: (error: unknown) => void) => callback(new Error('down'))),
      set: jest.fn(),
    };
    const store = fromExpressSessionStore(broken);

    await expect(store.load({ key: 'key', proof: 'proof' })).rejects.toMatchObject({ status: 503, applied: false });
  });
});
