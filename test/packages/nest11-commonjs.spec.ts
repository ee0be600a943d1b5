import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsumerApplication } from './consumer-application.js';
import { describeBothPackages } from './describe-both-packages.js';

describe('both tarballs in an application of Nest 11 with CommonJS', () => {
  let application: ConsumerApplication;

  beforeAll(async () => {
    application = await ConsumerApplication.install('nest11-commonjs');
    await application.compile();
  });

  afterAll(() => application?.remove());

  describeBothPackages(() => application);

  it('runs under jest, with the line of the README', async () => {
    expect(await application.runTool('jest')).toMatch(/Tests: +7 passed, 7 total/);
  });

  it.each([
    ['node10', 'commonjs'],
    ['bundler', 'preserve'],
  ])('compile with moduleResolution %s', async (moduleResolution, module) => {
    const options = ['--noEmit', '--moduleResolution', moduleResolution, '--module', module];

    await expect(application.compile(...options)).resolves.toBeUndefined();
  });
});
