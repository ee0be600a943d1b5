/** What takes minutes, most of it real servers under load, each spec best alone on the machine: `npm run test:stress`. */
export const stress = [
  'test/balancers/replicated-rolling-',
  'test/near-cache/(bounded-connections|bounded-servers|memory|round-trips|sentinel|validate)[.]',
  'test/simulation/all-schedules[.]',
];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test'],
  // counter.spec.ts, count.e2e-spec.ts, memory.contract-spec.ts
  testRegex: '[.-]spec\\.ts$',
  testPathIgnorePatterns: ['/node_modules/', ...stress],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/test/packages/fixtures/'],
  // What hangs fails; what is only slow, on a busy machine, does not.
  testTimeout: 60_000,
  // One worker per core: the parent process only waits.
  maxWorkers: '100%',
  // Modules of a spec that is over are not all let go (vm modules): after a hundred specs a worker would collect garbage more than anything else.
  workerIdleMemoryLimit: '600MB',
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
    '^nestjs-session-beans/redis$': '<rootDir>/libs/session/src/store/redis/index.ts',
    '^nestjs-session-beans/store-kit$': '<rootDir>/libs/session/src/store/index.ts',
    '^nestjs-session-beans/(.*)$': '<rootDir>/libs/session/src/$1/index.ts',
    '^nestjs-session-beans-replicated$': '<rootDir>/libs/replicated/src/index.ts',
    '^nestjs-session-beans-replicated/grpc$': '<rootDir>/libs/replicated/src/transports/grpc/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', 'libs/*/src/**/*.ts', '!**/*.spec.ts', '!src/main.ts'],
};
