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
    it('refuses requests of an address: no session is started, and none of those that are there changes', async () => {
      const newClient = (): Client => new Client(servers.urls[index]);
      const saves = async (): Promise<number> => ((await newClient().get('/calls')).body as { save: number }).save;
      const client = newClient();
      expect([await client.text('/count'), await client.text('/count')]).toEqual(['n=1', 'n=2']);
      const before = await saves();
      for (const one of [client, newClient()]) {
        const refused = await one.get('/count');
        expect([refused.status, setCookies(refused)]).toEqual([429, []]);
      }
      expect(await saves()).toBe(before);
      expect(await client.text('/value')).toBe('n=2');
    });

    it('can count by session: one is refused, the other goes on', async () => {
      const newClient = (): Client => new Client(servers.urls[index + adapters.length]);
      const [ann, bob] = [newClient(), newClient()];
      for (const client of [ann, bob]) await client.get('/start');
      expect([await ann.text('/count'), await ann.text('/count')]).toEqual(['n=1', 'n=2']);
      expect((await ann.get('/count')).status).toBe(429);
      expect(await bob.text('/count')).toBe('n=1');
      expect(await ann.text('/value')).toBe('n=2');
    });
  });
});
