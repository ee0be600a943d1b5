import { withPeersOf } from '../with-peers-of.mjs';

const config = withPeersOf('nest11', []);

/** With ioredis 5 the contract holds for every kind of Redis, and the store survives what it does with ioredis 6. */
export default {
  ...config,
  testPathIgnorePatterns: config.testPathIgnorePatterns.map((pattern) =>
    pattern.replace('redis[.]', 'redis').replace('faults|', ''),
  ),
};
