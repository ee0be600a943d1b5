import { expect, it } from '@jest/globals';
import { describeConsumerApplication } from './describe-consumer-application.js';

describeConsumerApplication('nest11-commonjs', (application) => {
  it.each([
    ['node10', 'commonjs'],
    ['bundler', 'preserve'],
  ])('compiles with moduleResolution %s', async (moduleResolution, module) => {
    const options = ['--noEmit', '--moduleResolution', moduleResolution, '--module', module];

    await expect(application().compile(...options)).resolves.toBeUndefined();
  });
});
