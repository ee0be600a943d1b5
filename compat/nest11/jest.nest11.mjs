import { fileURLToPath } from 'node:url';
import base, { stress } from '../../jest.config.mjs';

/** Same specs, same sources; only Nest itself comes from compat/nest11. */
export default {
  ...base,
  displayName: 'nest11',
  rootDir: fileURLToPath(new URL('../..', import.meta.url)),
  // These never load Nest, or bring their own.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...stress,
    '<rootDir>/test/(architecture|balancers|bench|contract(?!/replication-transport\\.)|docs|external|faults|near-cache|packages|simulation)/',
    '<rootDir>/test/observability/(balancer-table|troubles)\\.',
    '<rootDir>/libs/replicated/',
    '<rootDir>/libs/session/src/(codec|merge|store)/',
  ],
  moduleNameMapper: {
    '^@nestjs/(common|core|platform-express|platform-fastify|testing|microservices)(/.*)?$':
      '<rootDir>/compat/nest11/node_modules/@nestjs/$1$2',
    ...base.moduleNameMapper,
  },
};
