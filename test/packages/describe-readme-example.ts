import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client, setCookies } from '../support/client.js';
import type { ConsumerApplication } from './consumer-application.js';

/** The example of the README, served over HTTP by an application that installed the tarballs. */
export function describeReadmeExample(adapter: 'express' | 'fastify', application: () => ConsumerApplication): void {
  describe(`the example of the README on ${adapter}`, () => {
    let address: string;

    beforeAll(async () => {
      address = await application().start(adapter);
    });

    it('keeps a bean from request to request', async () => {
      const client = new Client(address);

      expect(await client.text('/count')).toBe('counter=1');
      expect(await client.text('/count')).toBe('counter=2');
      expect(await client.text('/count')).toBe('counter=3');
      expect(await client.text('/peek')).toBe('counter=3');
    });

    it('gives a second client its own bean', async () => {
      const [first, second] = [new Client(address), new Client(address)];

      expect(await first.text('/count')).toBe('counter=1');
      expect(await second.text('/count')).toBe('counter=1');
      expect(await first.text('/count')).toBe('counter=2');
    });

    it('sets no cookie where no session is used', async () => {
      const response = await new Client(address).get('/ping');

      expect(response.text).toBe('pong');
      expect(setCookies(response)).toEqual([]);
    });
  });
}
