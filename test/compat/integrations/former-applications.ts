import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import expressSession from 'express-session';
import {
  type ExpressSessionCookieOptions,
  type FormerSessionStore,
  expressSessionCookie,
  fastifySessionCookie,
} from 'nestjs-session-beans/request-session';
import type { SessionMigration } from 'nestjs-session-beans';

export const SECRET = 'a secret of the application that was before';

type Content = Record<string, unknown>;

/** A library that an application may come from, with a store in memory. */
export interface FormerLibrary {
  readonly name: string;
  newStore(): FormerSessionStore;
  migration(options: ExpressSessionCookieOptions): SessionMigration;

  /** An application of before whose visitor gets a session with this content. @returns the cookie: `name=value` */
  cookieFor(content: Content, store: FormerSessionStore): Promise<string>;
}

export const libraries: readonly FormerLibrary[] = [
  {
    name: 'express-session',
    newStore: () => new expressSession.MemoryStore(),
    migration: expressSessionCookie,
    async cookieFor(content, store) {
      const middleware = expressSession({
        secret: SECRET,
        store: store as expressSession.Store,
        resave: false,
        saveUninitialized: false,
        cookie: { maxAge: 3_600_000 },
      });
      const server = createServer((request, response) => {
        middleware(request as never, response as never, () => {
          Object.assign((request as unknown as { session: object }).session, content);
          response.end();
        });
      });
      server.listen(0, '127.0.0.1');
      return cookieOf(server);
    },
  },
  {
    name: '@fastify/session',
    newStore: () => new fastifySession.MemoryStore(),
    migration: fastifySessionCookie,
    async cookieFor(content, store) {
      const fastify = new FastifyAdapter().getInstance();
      void fastify.register(fastifyCookie as never);
      void fastify.register(fastifySession as never, { secret: SECRET, store, cookie: { secure: false } } as never);
      fastify.get('/', (request) => {
        Object.assign((request as unknown as { session: object }).session, content);
        return 'done';
      });
      await fastify.listen({ port: 0, host: '127.0.0.1' });
      return cookieOf(fastify.server);
    },
  },
];

async function cookieOf(server: Server): Promise<string> {
  if (!server.listening) await once(server, 'listening');
  const { headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  server.closeAllConnections();
  server.close();
  return String(headers.get('set-cookie')).split(';')[0] as string;
}
