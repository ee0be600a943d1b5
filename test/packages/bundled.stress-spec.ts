import { describe } from '@jest/globals';
import { describeBundled } from './describe-bundled.js';

describe('B9: a bean with classes inside, in an application of Nest 12', () => {
  describeBundled([
    ['webpack', 'commonjs', 'class-transformer'],
    ['webpack', 'module', 'nothing'],
    ['webpack', 'module', 'class-transformer'],
    ['esbuild', 'commonjs', 'nothing'],
    ['esbuild', 'commonjs', 'class-transformer'],
    ['esbuild', 'module', 'nothing'],
  ]);
});
