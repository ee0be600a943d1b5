export { RedisSessionStore } from '../store/redis/redis-session-store.js';
export type { RedisSessionStoreOptions } from '../store/redis/redis-session-store.options.js';
export type { RedisClient } from '../store/redis/redis-client.js';
