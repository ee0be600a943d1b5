import base, { project } from './jest.config.mjs';
import { quickWithNodeRedis } from './test/compat/node-redis/jest.mjs';
import oldest from './test/compat/oldest/jest.mjs';

/** The tests with the newest and the oldest peers, in one run: no core waits for the end of the first. */
export default {
  ...base,
  projects: [project({ ...base, displayName: 'newest' }), project(oldest), project(quickWithNodeRedis)],
};
