import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf } from 'nestjs-session-beans/store-kit';
import type { Response } from 'supertest';
import { eventually } from '../support/eventually.js';
import { Client, setCookies } from '../support/client.js';
import { Servers, type SharedStore, stateFor } from './servers.js';

const IDLE_TIMEOUT_MS = 1_500;

describe.each<SharedStore>(['Redis', 'PostgreSQL'])(
  'R20: a slow request that writes after its session is over, %s,',
  (kind) => {
    let servers: Servers;
    let shortLived: string[];
    beforeAll(async () => {
      servers = await Servers.start(2, {}, kind);
      shortLived = await servers.add(2, { IDLE_TIMEOUT_MS: `${IDLE_TIMEOUT_MS}` });
    });
    afterAll(() => servers?.stop());

    let gates = 0;
    /** Sends a slow request, runs `meanwhile` while it waits, opens its gate and returns its response. */
    const slowly = async (client: Client, server: string, meanwhile: () => Promise<void>): Promise<Response> => {
      const gate = `gate${gates++}`;
      const response = client.copy().post(`${server}/slow/${gate}`);
      await new Client(server).get(`/reached/${gate}`);
      await meanwhile();
      await new Client(server).post(`/open/${gate}`);
      return response;
    };

    const places = [
      ['the same server', 0],
      ['another server', 1],
    ] as const;

    it.each(places)('gets 409 after a logout on %s, and the session stays gone', async (_place, other) => {
      const [server, ending] = [servers.urls[0], servers.urls[other]] as [string, string];
      const client = new Client();
      await client.post(`${server}/count`);
      const old = client.copy();

      const response = await slowly(client, server, async () => {
        expect((await client.post(`${ending}/logout`)).status).toBe(201);
      });

      expect(response.status).toBe(409);
      expect(setCookies(response)).toEqual([]);
      await staysDead(old, servers.urls.slice(0, 2));
    });

    it.each(places)('gets 409 after the id was renewed on %s, and the old id stays invalid', async (_place, other) => {
      const [server, renewing] = [servers.urls[0], servers.urls[other]] as [string, string];
      const client = new Client();
      await client.post(`${server}/count`);
      const old = client.copy();

      const response = await slowly(old, server, async () => {
        expect((await client.post(`${renewing}/renew`)).status).toBe(201);
      });

      expect(response.status).toBe(409);
      expect(setCookies(response)).toEqual([]);
      expect(client.cookie).not.toBe(old.cookie);
      // The cookie of a client with a former id may be the new one by now.
      await staysDead(old, servers.urls.slice(0, 2), old.cookie);
      expect((await stateFor(client, server)).counter).toBe(1);
    });

    it('gets 409 after its session has expired, and the session stays gone', async () => {
      const [server, other] = shortLived as [string, string];
      const client = new Client();
      await client.post(`${server}/count`);
      await stateFor(client, other);
      const old = client.copy();
      expect(await servers.lives(keyOf(old))).toBe(true);

      const response = await slowly(client, server, async () => {
        await eventually('the session has expired', async () => !(await servers.lives(keyOf(old))));
      });

      expect(response.status).toBe(409);
      expect(setCookies(response)).toEqual([]);
      expect(await servers.lives(keyOf(old))).toBe(false);
      await staysDead(old, shortLived);
    });

    it('gets 409 as one of twenty on two servers after a logout, and the session stays gone', async () => {
      const [one, two] = servers.urls as [string, string];
      const client = new Client();
      await client.post(`${one}/count`);
      const old = client.copy();
      const slow = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two));

      let loggedOut: Promise<Response> | undefined;
      const logout = (): Promise<Response> => (loggedOut ??= allReached().then(() => client.post(`${two}/logout`)));
      let reached = 0;
      const allReached = (): Promise<boolean> => eventually('all have begun', () => reached === slow.length);
      const responses = await Promise.all(
        slow.map((server) =>
          slowly(old, server, async () => {
            reached++;
            expect((await logout()).status).toBe(201);
          }),
        ),
      );

      expect(responses.map(({ status }) => status)).toEqual(slow.map(() => 409));
      expect(responses.flatMap(setCookies)).toEqual([]);
      await staysDead(old, [one, two]);
    });
  },
);

/** The key of the client's session in the store. */
function keyOf({ cookie }: Client): string {
  return accessOf(cookie.slice(cookie.indexOf('=') + 1)).key;
}

/** @param cookie that the client has afterwards; default: it is told to forget its id */
async function staysDead(old: Client, urls: readonly string[], cookie = 'sid='): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const url of urls) {
      const client = old.copy();
      expect(await stateFor(client, url)).toMatchObject({ exists: false, counter: 0 });
      expect(client.cookie).toBe(cookie);
    }
  }
}
