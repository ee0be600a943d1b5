import base, { stress } from './jest.config.mjs';

/** What `npm test` leaves out. */
export default {
  ...base,
  displayName: 'stress',
  testRegex: stress.map((pattern) => `${pattern}.*[.-]spec[.]ts$`),
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
