import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { installTools, runtimes } from '../compat/tools.js';
import { Client } from '../support/client.js';
import { ConsumerApplication } from './consumer-application.js';
import { describeBothPackages } from './describe-both-packages.js';

describe('both tarballs in an application of Nest 12 with ES modules', () => {
  let application: ConsumerApplication;

  beforeAll(async () => {
    application = await ConsumerApplication.install('nest12-esm');
    await application.compile();
  });

  afterAll(() => application?.remove());

  describeBothPackages(() => application);

  it('runs under vitest', async () => {
    expect(await application.runTool('vitest', 'run')).toMatch(/Tests +7 passed/);
  });

  it('keeps sessions on Bun', async () => {
    await installTools();
    const client = new Client(await application.start('express', {}, runtimes.bun()));

    expect(await client.text('/count')).toBe('counter=1');
    expect(await client.text('/count')).toBe('counter=2');
  });
});
