import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { connectRedisStore } from './connect-redis-store.mjs';
import { createNestApplication } from './nest-application.mjs';
import { requestSessionController } from './request-session.mjs';

/**
 * Nest on Fastify with @fastify/session. `rolling: false` is its cheaper setting: by default it saves on every request.
 */
export async function createApp({ store: kind, redisPort }) {
  const store = kind === 'redis' ? { store: await connectRedisStore(redisPort) } : {};
  return createNestApplication({
    adapter: 'fastify',
    controllers: [requestSessionController()],
    async prepare(app) {
      await app.register(fastifyCookie);
      await app.register(fastifySession, {
        secret: 'a-secret-of-at-least-thirty-two-characters',
        saveUninitialized: false,
        rolling: false,
        cookie: { secure: false, path: '/' },
        ...store,
      });
    },
  });
}
