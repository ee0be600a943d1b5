import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { SessionContext, SessionModule } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';

// A server that begins to make a value of a session, says so, and is never done: `node dying-caller.mjs URL HANDLE`.
const [, , url, handle] = process.argv;

const root = SessionModule.forRoot({ store: new RedisSessionStore({ url }) });
const worker = await NestFactory.createApplicationContext(root, { logger: ['error'] });
await worker.get(SessionContext).run(handle, (session) =>
  session.getOrCreate('value', () => {
    process.send('begun');
    return new Promise(() => undefined);
  }),
);
