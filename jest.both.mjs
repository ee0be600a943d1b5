import base from './jest.config.mjs';
import oldest from './test/compat/oldest/jest.mjs';

/** The tests with the newest and the oldest peers, in one run: no core waits for the end of the first. */
export default {
  ...base,
  projects: [project({ ...base, rootDir: import.meta.dirname, displayName: 'newest' }), project(oldest)],
};

/** What jest takes of a configuration for one of several projects. The rest is for all of them. */
function project({ maxWorkers: _1, workerIdleMemoryLimit: _2, testSequencer: _3, ...config }) {
  return config;
}
