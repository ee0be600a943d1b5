import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CookieJar } from '../support/cookie-jar.js';
import { ConsumerApplication } from './consumer-application.js';

/** The example of the README, installed from the tarball into the fixture, compiled and served over HTTP. */
export function describeConsumerApplication(fixture: string, more?: (application: () => ConsumerApplication) => void) {
  describe(`the packed library in the ${fixture} application`, () => {
    let application: ConsumerApplication;
    let address: string;

    beforeAll(async () => {
      application = await ConsumerApplication.install(fixture);
      await application.compile();
      address = await application.start();
    }, 120_000);

    afterAll(() => application?.remove());

    it('keeps a bean from request to request', async () => {
      const client = new CookieJar();

      expect(await client.text(`${address}/count`)).toBe('counter=1');
      expect(await client.text(`${address}/count`)).toBe('counter=2');
      expect(await client.text(`${address}/count`)).toBe('counter=3');
      expect(await client.text(`${address}/peek`)).toBe('counter=3');
    });

    it('gives a second client its own bean', async () => {
      const [first, second] = [new CookieJar(), new CookieJar()];

      expect(await first.text(`${address}/count`)).toBe('counter=1');
      expect(await second.text(`${address}/count`)).toBe('counter=1');
      expect(await first.text(`${address}/count`)).toBe('counter=2');
    });

    it('sets no cookie where no session is used', async () => {
      const response = await fetch(`${address}/ping`);

      expect(await response.text()).toBe('pong');
      expect(response.headers.getSetCookie()).toEqual([]);
    });

    more?.(() => application);
  });
}
