import { availableParallelism } from 'node:os';

/** Long runs, most of them real servers under load: `npm run test:stress`. */
export const stress = '[.]stress-spec[.]ts$';

/** More than one server of Redis: `npm run test:stress` has them with each client. Some of it is in test/faults. */
export const topologies = '/test/(contract/redis-(cluster|sentinel)|faults/redis-tracking-topology)[.]';

/** The part of a configuration that jest takes for one of several projects. The rest is for all of them. */
export function project({ maxWorkers: _1, workerIdleMemoryLimit: _2, testSequencer: _3, ...config }) {
  return { rootDir: import.meta.dirname, ...config };
}

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test'],
  // counter.spec.ts, count.e2e-spec.ts, memory.contract-spec.ts
  testRegex: '[.-]spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/', stress, topologies],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/test/packages/fixtures/'],
  // Only for tests that hang. A test may take this long on a busy machine: `npm run test:busy`.
  testTimeout: 180_000,
  // One worker more than cores: many specs wait for servers and timeouts.
  maxWorkers: availableParallelism() + 1,
  // Modules of a spec that is over are not all let go (vm modules). A worker with a hundred of them would do little but
  // collect garbage.
  workerIdleMemoryLimit: '600MB',
  testSequencer: '<rootDir>/test/setup/longest-first.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
      },
    ],
  },
  moduleNameMapper: {
    '^nestjs-session-beans$': '<rootDir>/libs/session/src/index.ts',
    '^nestjs-session-beans/(express-session|postgres|redis|sqlite)$': '<rootDir>/libs/session/src/store/$1/index.ts',
    '^nestjs-session-beans/store-kit$': '<rootDir>/libs/session/src/store/index.ts',
    '^nestjs-session-beans/(.*)$': '<rootDir>/libs/session/src/$1/index.ts',
    '^nestjs-session-beans-replicated$': '<rootDir>/libs/replicated/src/index.ts',
    '^nestjs-session-beans-replicated/grpc$': '<rootDir>/libs/replicated/src/transports/grpc/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', 'libs/*/src/**/*.ts', '!**/*.spec.ts', '!src/main.ts'],
};
