import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, setCookies } from '../../support/client.js';
import { adapters } from '../../support/platforms.js';
import { FixtureServers } from './fixture-servers.js';

describe('@nestjs/throttler', () => {
  let servers: FixtureServers;
  beforeAll(async () => {
    servers = await FixtureServers.start({ APPLICATION: 'throttler' });
  });
  afterAll(() => servers?.stop());

  describe.each(adapters.map(({ adapter }, index) => ({ adapter, index })))('$adapter', ({ index }) => {
    const newClient = (): Client => new Client(servers.urls[index]);

    it('refuses requests of an address: no session is started, and none of those that are there changes', async () => {
      const client = newClient();
      expect([await client.text('/by-address'), await client.text('/by-address')]).toEqual(['n=1', 'n=2']);
      const before = (await client.get('/calls')).body as { save: number };
      for (const one of [client, newClient()]) {
        const refused = await one.get('/by-address');
        expect([refused.status, setCookies(refused)]).toEqual([429, []]);
        expect(refused.get('Retry-After')).toBe('3600');
      }
      expect(((await client.get('/calls')).body as { save: number }).save).toBe(before.save);
      expect(await client.text('/value')).toBe('n=2');
    });

    it('can count by session: one is refused, the other goes on', async () => {
      const [ann, bob] = [newClient(), newClient()];
      for (const client of [ann, bob]) await client.get('/start');
      expect([await ann.text('/by-session'), await ann.text('/by-session')]).toEqual(['n=1', 'n=2']);
      expect((await ann.get('/by-session')).status).toBe(429);
      expect(await bob.text('/by-session')).toBe('n=1');
      expect(await ann.text('/value')).toBe('n=2');
    });
  });
});
