import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import base, { stress } from '../../jest.config.mjs';

/** These say what a store, a cookie or a bean does, whatever the peers are. */
const BESIDE_PEERS = [
  'cookie-domain',
  'cookie-path',
  'encryption',
  'failed-login',
  'forgotten-await',
  'get-or-create',
  'http-session',
  'ignored-ids',
  'interleaving',
  'isolation',
  'kept-references',
  'key-rotation',
  'lock-of-leaving-client',
  'login',
  'lost-answers',
  'near-cache',
  'no-id-leaks',
  'overlapping-requests',
  'persistent-cookie',
  'refresh',
  'session-end',
  'session-end-of-life',
  'session-events',
  'session-lock',
  'session-registry',
  'session-registry-servers',
  'session-signal',
  'store-down',
  'stored-values',
  // Nest 11.0 tells clients of ws nothing of an exception. Nest 11 as it is now is tried.
  'websockets',
  'websockets-servers',
];

/**
 * The same specs and sources, with the packages that a folder of test/compat brings.
 * @param leftOut specs of test/e2e, by name
 */
export function withPeersOf(folder, leftOut = BESIDE_PEERS) {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, folder, 'package.json'), 'utf8'));
  const names = Object.keys(dependencies).join('|');
  return {
    ...base,
    displayName: folder,
    globalSetup: join(import.meta.dirname, 'install.mjs'),
    rootDir: join(import.meta.dirname, '../..'),
    testPathIgnorePatterns: [
      '/node_modules/',
      stress,
      // These load no peer, only need the decorators of Nest, bring their own, or look at what a store, a browser or a
      // proxy does.
      '<rootDir>/test/(architecture|balancers|bench|browser|compat|consistency|docs|examples|external|faults|fuzz)/',
      '<rootDir>/test/(lab|near-cache|packages|simulation|sample/bad-inputs)/',
      '<rootDir>/test/e2e/(admission|clear-site-data|floods|plain-cookies|presented-ids|session-handle)[.]',
      ...leftOut.map((name) => `<rootDir>/test/e2e/${name}[.]`),
      '<rootDir>/test/contract/(?!replication-transport[.]|redis[.])',
      '<rootDir>/test/observability/(balancer-table|sample-patterns|troubles)[.]',
      '<rootDir>/libs/replicated/',
      '<rootDir>/libs/session/src/(codec|live|merge|request|store|testing|timing)/',
    ],
    moduleNameMapper: {
      [`^((?:${names})(?:/.*)?)$`]: `<rootDir>/test/compat/${folder}/node_modules/$1`,
      ...base.moduleNameMapper,
    },
  };
}
