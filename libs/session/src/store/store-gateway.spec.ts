import { describe, expect, it } from '@jest/globals';
import { SessionStoreError } from '../errors/session-store.error.js';
import { MemorySessionStore } from './memory/memory-session-store.js';
import type { SessionStore } from './session-store.js';
import { StoreGateway } from './store-gateway.js';

function storeThat(load: SessionStore['load'], shared = false): SessionStore {
  return Object.assign(new MemorySessionStore(), { load, capabilities: { shared } });
}

describe('the gateway to the store', () => {
  it('makes a SessionStoreError of whatever a store throws, also at once, and goes on', async () => {
    let isBroken = true;
    const gateway = new StoreGateway(
      storeThat(() => {
        if (isBroken) throw new TypeError('broken');
        return Promise.resolve({ outcome: 'none' });
      }),
      1_000,
    );
    for (let i = 0; i < 6_000; i++) {
      await expect(async () => gateway.load('key')).rejects.toMatchObject({
        code: 'SESSION_STORE_UNAVAILABLE',
        status: 503,
      });
    }
    isBroken = false;
    await expect(gateway.load('key')).resolves.toEqual({ outcome: 'none' });
  });

  it('refuses at once when a store that hangs has 5,000 calls under way, and heals with it', async () => {
    const answers: (() => void)[] = [];
    let failures = 0;
    const gateway = new StoreGateway(
      storeThat(() => new Promise((resolve) => answers.push(() => resolve({ outcome: 'none' }))), true),
      1_000,
      1,
      undefined,
      () => failures++,
    );
    const waiting = Array.from({ length: 5_000 }, async () => gateway.load('key'));
    const results = await Promise.allSettled(waiting);
    expect(results.every((result) => result.status === 'rejected' && result.reason instanceof SessionStoreError)).toBe(
      true,
    );
    await expect(async () => gateway.load('key')).rejects.toThrow('5000 calls are under way already');
    expect(answers).toHaveLength(5_000);
    // Those that were late; a call that the store never saw is no failure of the store.
    expect(failures).toBe(5_000);
    for (const answer of answers) answer();
    await new Promise((resolve) => setImmediate(resolve));
    const healed = gateway.load('key');
    answers.at(-1)?.();
    await expect(healed).resolves.toEqual({ outcome: 'none' });
  });
});
