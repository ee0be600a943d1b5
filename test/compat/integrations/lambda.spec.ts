import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, setCookies } from '../../support/client.js';
import { FixtureServers } from './fixture-servers.js';

const lambdas = ['@codegenie/serverless-express', '@fastify/aws-lambda'].flatMap((name) =>
  ['1.0 (REST API)', '2.0 (HTTP API)'].map((format) => ({ name, format })),
);

describe('a lambda', () => {
  let servers: FixtureServers;
  beforeAll(async () => {
    servers = await FixtureServers.start({ APPLICATION: 'lambda' });
  });
  afterAll(() => servers?.stop());

  describe.each(lambdas.map((lambda, index) => ({ ...lambda, index })))('$name, format $format', ({ index }) => {
    let cookie = '';
    /** The cookie is secure, so the client does not send it by itself over plain http. */
    const get = async (path: string): Promise<{ status: number; text: string; lines: readonly string[] }> => {
      const response = await new Client(servers.urls[index]).get(path, { cookie });
      const lines = setCookies(response);
      if (lines[0] !== undefined) cookie = lines[0].slice(0, lines[0].indexOf(';'));
      return { status: response.status, text: response.text, lines };
    };

    it('keeps a session from one event to the next', async () => {
      expect(await get('/count')).toEqual({
        status: 200,
        text: 'n=1',
        lines: [expect.stringMatching(/^__Host-sid=.*; Secure/)],
      });
      expect(await get('/count')).toEqual({ status: 200, text: 'n=2', lines: [] });
      const before = cookie;
      expect((await get('/login')).text).toBe('ann n=2');
      expect(cookie).not.toBe(before);
      expect((await get('/count')).text).toBe('n=3');
      await get('/logout');
      expect(cookie).toBe('__Host-sid=');
      expect((await get('/count')).text).toBe('n=1');
    });

    it('answers 503 while a change cannot be stored, and goes on afterwards', async () => {
      cookie = '';
      await get('/count');
      await get('/down');
      expect(await get('/count')).toMatchObject({ status: 503, lines: [] });
      await get('/up');
      expect(await get('/count')).toMatchObject({ status: 200, text: 'n=2' });
    });

    it('holds no session between two events', async () => {
      await get('/count');
      expect(JSON.parse((await get('/live')).text)).toMatchObject({ liveSessions: 0, pendingRequests: 0 });
    });
  });
});
