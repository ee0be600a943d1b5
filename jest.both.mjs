import base, { project } from './jest.config.mjs';
import { quickWithNodeRedis } from './test/compat/node-redis/jest.mjs';
import oldest from './test/compat/oldest/jest.mjs';

/** With the oldest peers, requests are played. The rest of what they run is for `npm run test:stress`. */
const requestsWithOldest = { ...oldest, testRegex: ['/(src|test/(e2e|sample))/.*[.-]spec\\.ts$'] };

/** The tests with the newest and the oldest peers, in one run: no core waits for the end of the first. */
export default {
  ...base,
  projects: [project({ ...base, displayName: 'newest' }), project(requestsWithOldest), project(quickWithNodeRedis)],
};
