import { redisLibraries } from '../../../libs/session/src/store/redis/connect-redis.js';

// As where ioredis is not installed: a url is served by node-redis.
redisLibraries.shift();
