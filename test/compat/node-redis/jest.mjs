import { join } from 'node:path';
import base, { project, stress } from '../../../jest.config.mjs';

/** What the Redis store promises, whatever its client is. */
const ALL = ['contract/redis(-cluster|-sentinel|-tls|-tracking)?', 'faults/redis-(?!client-ended).*'];

/** On one server, without faults: for `npm test`. */
const QUICK = ['contract/redis(-tracking)?'];

/**
 * The Redis store where ioredis is not installed: a url is served by node-redis.
 * @param release 'oldest' or 'newest' of those that the package allows
 */
function nodeRedis(release, paths) {
  const oldest = { '^@redis/client$': '<rootDir>/test/compat/node-redis/node_modules/@redis/client' };
  return {
    ...base,
    displayName: 'node-redis',
    rootDir: join(import.meta.dirname, '../../..'),
    setupFiles: ['<rootDir>/test/compat/node-redis/without-ioredis.ts'],
    testRegex: paths.map((path) => `/test/${path}[.][a-z]+-spec[.]ts$`),
    testPathIgnorePatterns: ['/node_modules/', stress],
    moduleNameMapper: { ...(release === 'oldest' && oldest), ...base.moduleNameMapper },
  };
}

export const quickWithNodeRedis = nodeRedis('oldest', QUICK);

/** `npm run test:node-redis`, a part of `test:stress`. */
export default {
  ...base,
  rootDir: join(import.meta.dirname, '../../..'),
  projects: ['oldest', 'newest'].map((release) =>
    project({ ...nodeRedis(release, ALL), displayName: `node-redis ${release}` }),
  ),
};
