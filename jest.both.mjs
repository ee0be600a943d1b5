import base from './jest.config.mjs';
import nest11 from './compat/nest11/jest.nest11.mjs';

/** The tests on both versions of Nest, in one run: no core waits for the end of the first. */
export default {
  ...base,
  projects: [project({ ...base, rootDir: import.meta.dirname, displayName: 'nest12' }), project(nest11)],
};

/** What jest takes of a configuration for one of several projects. The rest is for all of them. */
function project({ maxWorkers: _1, workerIdleMemoryLimit: _2, testSequencer: _3, ...config }) {
  return config;
}
