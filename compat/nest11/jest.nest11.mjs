import { fileURLToPath } from 'node:url';
import base, { stress } from '../../jest.config.mjs';

/** Same specs, same sources; only Nest itself comes from compat/nest11. */
export default {
  ...base,
  displayName: 'nest11',
  rootDir: fileURLToPath(new URL('../..', import.meta.url)),
  testPathIgnorePatterns: [
    '/node_modules/',
    stress,
    // These never load Nest, only need its decorators, bring their own, or look at what a store, a browser or a proxy
    // does.
    '<rootDir>/test/(architecture|balancers|bench|browser|consistency|docs|external|faults|fuzz|near-cache)/',
    '<rootDir>/test/(compat|packages|simulation|sample/bad-inputs)/',
    '<rootDir>/test/e2e/(admission|clear-site-data|floods|plain-cookies|presented-ids|session-handle)[.]',
    '<rootDir>/test/contract/(?!replication-transport[.])',
    '<rootDir>/test/observability/(balancer-table|sample-patterns|troubles)[.]',
    '<rootDir>/libs/replicated/',
    '<rootDir>/libs/session/src/(codec|live|merge|request|store|testing|timing)/',
  ],
  moduleNameMapper: {
    '^@nestjs/(common|core|platform-express|platform-fastify|testing|microservices)(/.*)?$':
      '<rootDir>/compat/nest11/node_modules/@nestjs/$1$2',
    ...base.moduleNameMapper,
  },
};
