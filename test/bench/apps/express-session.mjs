import session from 'express-session';
import { connectRedisStore } from './connect-redis-store.mjs';
import { createNestApplication } from './nest-application.mjs';
import { requestSessionController } from './request-session.mjs';

/** Nest and express-session, as Nest's documentation sets it up, with the memory store or connect-redis. */
export async function createApp({ store: kind, redisPort }) {
  const store = kind === 'redis' ? await connectRedisStore(redisPort) : new session.MemoryStore();
  const options = {
    store,
    secret: 'a-secret-of-at-least-thirty-two-characters',
    resave: false,
    saveUninitialized: false,
  };
  return createNestApplication({
    controllers: [requestSessionController()],
    prepare: (app) => app.use(session(options)),
  });
}
