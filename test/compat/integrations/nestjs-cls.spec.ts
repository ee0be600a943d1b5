import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../../support/client.js';
import { adapters } from '../../support/platforms.js';
import { FixtureServers } from './fixture-servers.js';

const mounts = (['middleware', 'guard', 'interceptor'] as const).flatMap((mount) =>
  adapters.map(({ adapter }) => ({ mount, adapter })),
);

describe('nestjs-cls', () => {
  let servers: FixtureServers;
  beforeAll(async () => {
    servers = await FixtureServers.start({ APPLICATION: 'cls' });
  });
  afterAll(() => servers?.stop());

  it.each(mounts.map((one, index) => ({ ...one, index })))(
    'as $mount, $adapter: both contexts last, in the handler and in a bean, for requests that overlap',
    async ({ mount, index }) => {
      const visitor = async (name: string): Promise<readonly object[]> => {
        const client = new Client(servers.urls[index]);
        await client.get('/login', { 'x-visitor': name });
        const visit = async (): Promise<object> => (await client.get('/visit', { 'x-visitor': name })).body as object;
        return [await visit(), await visit()];
      };
      const [ann, bob] = await Promise.all([visitor('ann'), visitor('bob')]);
      const expected = (name: string): object[] => {
        // A middleware runs before the session is loaded.
        const user = mount === 'middleware' ? {} : { user: name };
        return [1, 2].map((count) => ({ count, names: Array(count).fill(name) as string[], visitor: name, ...user }));
      };
      expect([ann, bob]).toEqual([expected('ann'), expected('bob')]);
    },
  );
});
