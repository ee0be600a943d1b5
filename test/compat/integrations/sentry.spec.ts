import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../../support/client.js';
import { adapters } from '../../support/platforms.js';
import { secretOf } from '../../support/secret-of.js';
import { FixtureServers } from './fixture-servers.js';

interface SentryEvent {
  readonly request: { readonly url: string };
  readonly exception: { readonly values: readonly { readonly type: string; readonly value: string }[] };
}

describe('@sentry/nestjs', () => {
  let servers: FixtureServers;
  beforeAll(async () => {
    servers = await FixtureServers.start({ APPLICATION: 'sentry', INSTRUMENT: 'sentry-instrument' });
  });
  afterAll(() => servers?.stop());

  it.each(adapters.map(({ adapter }, index) => ({ adapter, index })))(
    'is told of mistakes, not of refusals, and of no session id, $adapter',
    async ({ index }) => {
      const client = new Client(servers.urls[index]);
      const ids = new Set<string>();
      const get = async (path: string): Promise<number> => {
        const { status } = await client.get(path);
        ids.add(client.cookie.replace('sid=', ''));
        return status;
      };
      expect([await get('/count'), await get('/login'), await get('/conflict')]).toEqual([200, 200, 409]);
      await get('/down');
      expect(await get('/count')).toBe(503);
      await get('/up');
      expect(await get('/fail')).toBe(500);
      expect(await client.text('/count')).toBe('n=4');

      const lines = ((await client.get('/told')).body as string[]).flatMap((envelope) => envelope.split('\n'));
      const events = lines
        .filter((line) => line.startsWith('{"exception"'))
        .map((line) => JSON.parse(line) as SentryEvent);
      expect(events).toMatchObject([
        {
          exception: { values: [{ type: 'Error', value: 'it failed' }] },
          request: { url: `${servers.urls[index]}/fail` },
        },
      ]);
      expect(ids.size).toBe(2);
      expect([...ids].filter((id) => lines.some((line) => line.includes(secretOf(id))))).toEqual([]);
    },
  );
});
