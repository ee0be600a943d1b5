import { describe } from '@jest/globals';
import { describeBundled } from './describe-bundled.js';

describe('B9: a bean with classes inside, in an application of Nest 12', () => {
  describeBundled([
    ['webpack', 'commonjs', 'nothing'],
    ['esbuild', 'module', 'class-transformer'],
  ]);
});
