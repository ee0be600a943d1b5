import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import base, { project, stress, topologies } from './jest.config.mjs';
import nest11 from './test/compat/nest11/jest.mjs';
import nodeRedis from './test/compat/node-redis/jest.mjs';
import oldest from './test/compat/oldest/jest.mjs';

// Read by test/support/rounds.ts, in the workers as well.
process.env.STRESS = '1';

/** Specs that `npm test` runs with fewer rounds. */
const repeating = readdirSync(join(import.meta.dirname, 'test'), { recursive: true })
  .filter((file) => /[.-]spec\.ts$/.test(file))
  .filter((file) =>
    /\/(rounds|sample-under-test|chromium|balancers|transport-settings)\.js/.test(
      readFileSync(join(import.meta.dirname, 'test', file), 'utf8'),
    ),
  )
  .map((file) => `/test/${file.replaceAll('.', '[.]')}$`);

/** What takes minutes, each spec alone on the machine. */
const long = {
  ...base,
  displayName: 'stress',
  testRegex: [stress, topologies, ...repeating],
  testPathIgnorePatterns: ['/node_modules/'],
};

export default {
  ...base,
  testTimeout: 600_000,
  maxWorkers: 1,
  projects: [long, oldest, nest11, ...nodeRedis.projects].map((config) => project({ ...config, testTimeout: 600_000 })),
};
