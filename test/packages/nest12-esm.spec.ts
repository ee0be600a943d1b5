import { afterAll, beforeAll, describe } from '@jest/globals';
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
});
