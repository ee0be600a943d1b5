export { RedisSessionStore } from './redis-session-store.js';
export type { RedisSessionStoreOptions } from './redis-session-store.options.js';
export type { RedisClient } from './redis-client.js';
