import { once } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { Latch } from './latch.js';

/** How a connection has ended: what the client was told. */
export interface SocketEnd {
  /** Of a WebSocket. */
  readonly code?: number;

  /** The data of socket.io's `session:ended`, or the reason of a WebSocket. */
  readonly told: unknown;
}

/** A client of a gateway, alike for ws and socket.io. Handlers reply with the event `reply` and `{ id, value }`. */
export interface TestSocket {
  /** The events `exception` that came and were no answer to `ask`, with their data. */
  readonly exceptions: readonly { readonly code?: string; readonly message?: string }[];

  /** The values of all replies, whoever asked. */
  readonly replies: readonly unknown[];

  /** Resolves when the connection is over. */
  readonly ended: Promise<SocketEnd>;

  /** Sends a message, and waits for no reply. */
  send(event: string, data?: object): void;

  /** The value of the reply; or the exception that was the answer. */
  ask(event: string, data?: object): Promise<unknown>;
  close(): void;
}

type Answer = { readonly id?: number; readonly value?: unknown; readonly code?: string };

/** The part that both kinds of clients share. */
class Conversation {
  readonly exceptions: Answer[] = [];
  readonly replies: unknown[] = [];
  readonly asked = new Map<number, (answer: unknown) => void>();
  private count = 0;

  next(): number {
    return this.count++;
  }

  heard(event: string, answer: Answer): void {
    if (event === 'reply') {
      this.replies.push(answer.value);
      this.asked.get(answer.id ?? -1)?.(answer.value);
      this.asked.delete(answer.id ?? -1);
    } else if (event === 'exception') {
      const [oldest] = this.asked;
      if (!oldest) return void this.exceptions.push(answer);
      this.asked.delete(oldest[0]);
      oldest[1](answer);
    }
  }

  ask(send: (id: number) => void): Promise<unknown> {
    const id = this.next();
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      send(id);
    });
  }
}

/** The libraries for sockets that Nest has adapters for. */
export const socketKinds = [
  { kind: 'socket.io', useAdapter: (app: INestApplication) => app.useWebSocketAdapter(new IoAdapter(app)) },
  { kind: 'ws', useAdapter: (app: INestApplication) => app.useWebSocketAdapter(new WsAdapter(app)) },
] as const;

export type SocketKind = (typeof socketKinds)[number]['kind'];

/** Connects with the cookies of `cookie`. @param url of the server, with http */
export async function connectSocket(kind: SocketKind, url: string, cookie = ''): Promise<TestSocket> {
  return kind === 'ws' ? connectWs(url, cookie) : connectIo(url, cookie);
}

async function connectWs(url: string, cookie: string): Promise<TestSocket> {
  const talk = new Conversation();
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { cookie } });
  socket.on('message', (data: Buffer) => {
    const { event, data: answer } = JSON.parse(data.toString()) as { event: string; data: Answer };
    talk.heard(event, answer);
  });
  const ended = once(socket, 'close').then(([code, reason]) => ({ code: code as number, told: String(reason) }));
  await once(socket, 'open');
  const send = (event: string, data: object = {}): void =>
    socket.send(JSON.stringify({ event, data: { ...data, id: -1 } }));
  return {
    exceptions: talk.exceptions,
    replies: talk.replies,
    ended,
    send,
    ask: (event, data) => talk.ask((id) => socket.send(JSON.stringify({ event, data: { ...data, id } }))),
    close: () => socket.close(),
  };
}

async function connectIo(url: string, cookie: string): Promise<TestSocket> {
  const talk = new Conversation();
  const socket = io(url, { extraHeaders: { cookie }, transports: ['websocket'], forceNew: true, reconnection: false });
  let told: unknown;
  const over = new Latch();
  socket.onAny((event: string, answer: Answer) => talk.heard(event, answer));
  socket.on('session:ended', (data: unknown) => (told = data));
  socket.on('disconnect', () => over.open());
  await new Promise<void>((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
  return {
    exceptions: talk.exceptions,
    replies: talk.replies,
    ended: over.opened.then(async () => {
      await endOfTurn();
      return { told };
    }),
    send: (event, data = {}) => void socket.emit(event, { ...data, id: -1 }),
    ask: (event, data) => talk.ask((id) => socket.emit(event, { ...data, id })),
    close: () => socket.close(),
  };
}
