import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { SessionContext, type SessionHandle } from 'nestjs-session-beans';
import { createTestSession } from 'nestjs-session-beans/testing';
import { type Socket, io } from 'socket.io-client';
import { eventually } from '../support/eventually.js';
import { ExampleFolder } from './example-folder.js';

// The blocks of `docs/websockets.md`, in one application: their text is what runs here.

const examples = new ExampleFolder('docs/websockets.md');
const exported: Record<string, Type> = {};
for (const name of examples.names) Object.assign(exported, await examples.import(name));
const { AppModule, RoomGateway, ClockController } = exported;

@WebSocketGateway()
class ServerOfSockets {
  @WebSocketServer() readonly server!: {
    readonly sockets: { readonly adapter: { readonly rooms: ReadonlyMap<string, unknown> } };
  };
}

@Module({
  imports: [AppModule as Type],
  providers: [RoomGateway as Type, ServerOfSockets],
  controllers: [ClockController as Type],
})
class ExamplesModule {}

let app: INestApplication;
let url: string;
beforeAll(async () => {
  app = await NestFactory.create(ExamplesModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  await app?.close();
  examples.remove();
});

let users = 0;
let user: string;
let handle: SessionHandle;
let cookie: string;
let socket: Socket;
beforeEach(async () => {
  user = `user ${++users}`;
  ({ handle, cookie } = await createTestSession(app, { principal: user }));
  socket = io(url, { extraHeaders: { cookie }, transports: ['websocket'], forceNew: true });
});
afterEach(() => void socket.close());

const logOut = (): Promise<void> => app.get(SessionContext).run(handle, (session) => session.logout());

it('a message changes the session, which says who has sent it', async () => {
  for (const said of [1, 2]) {
    socket.emit('say', 'hello');
    expect(await once(socket as never, 'said')).toEqual([{ by: user, text: 'hello', said }]);
  }
});

it('a client is told when its session ends', async () => {
  await once(socket as never, 'connect');
  const told = once(socket as never, 'session:ended');
  await logOut();
  expect(await told).toEqual([{ status: 'error', code: 'SESSION_ENDED' }]);
});

it('handleConnection() finds the session of the client', async () => {
  const { server } = app.get(ServerOfSockets);
  const isThere = (): boolean => server.sockets.adapter.rooms.has(`user-${user}`);
  expect(await eventually('it is in the room', isThere)).toBe(true);
});

it('an event stream ends with the session', async () => {
  const clock = await fetch(`${url}/clock`, { headers: { cookie } });
  const heard: string[] = [];
  for await (const chunk of clock.body as ReadableStream<Uint8Array>) {
    heard.push(Buffer.from(chunk).toString());
    if (heard.at(-1)?.includes('"tick":0')) await logOut();
  }
  expect(heard.join('')).toContain('"tick":0');
});
