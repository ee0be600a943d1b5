import { afterAll, beforeAll, expect, it } from '@jest/globals';
import request from 'supertest';
import { ConsumerApplication } from './consumer-application.js';

type Bundle = readonly [bundler: string, format: string, external: string];

/**
 * A bean in a bundle keeps its state as it does without one: the decorators of class-transformer are in the bundle as
 * well, from whichever build of that package the bundler has taken.
 */
export function describeBundled(bundles: readonly Bundle[]): void {
  let application: ConsumerApplication;
  const label = 'pen of a cart, added at a Date';
  const kept = { typed: [label], restored: [label], excluded: [], hidden: ['pen'] };

  beforeAll(async () => {
    application = await ConsumerApplication.install('bundled');
    await application.compile();
  });

  afterAll(() => application?.remove());

  it('without a bundler', async () => {
    expect(await cartOfNextRequest(await application.start('cart-server'))).toEqual(kept);
  });

  it.each(bundles)('bundled with %s into a %s, external: %s', async (bundler, format, external) => {
    await application.runScript('bundle.mjs', bundler, format, external);

    expect(await cartOfNextRequest(await application.start(`${bundler}-${format}/index`))).toEqual(kept);
  });
}

async function cartOfNextRequest(address: string): Promise<unknown> {
  const client = request.agent(address);
  await client.post('/cart').expect(201);
  const { body } = await client.get('/cart').expect(200);
  return body;
}
