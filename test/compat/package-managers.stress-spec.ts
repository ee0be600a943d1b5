import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsumerApplication } from '../packages/consumer-application.js';
import { installTools, packageManagers } from './tools.js';

beforeAll(installTools);

// npm: test/packages/nest11-commonjs.spec.ts
describe.each(packageManagers)('an application of Nest 11 that $name installed', (packageManager) => {
  let application: ConsumerApplication;

  beforeAll(async () => {
    application = await ConsumerApplication.install('nest11-commonjs', { packageManager });
  });

  afterAll(() => application?.remove());

  it('runs under jest, with the line of the README', async () => {
    expect(await application.runTool('jest')).toMatch(/Tests: +7 passed, 7 total/);
  });
});
