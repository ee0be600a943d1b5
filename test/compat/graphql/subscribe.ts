import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

interface Socket extends EventEmitter {
  send(text: string): void;
  close(): void;
}

/** The package has no types. */
const WebSocket = createRequire(resolve('test/compat/graphql/package.json'))('ws') as new (
  url: string,
  protocol: string,
  options: object,
) => Socket;

interface Message {
  readonly type: string;
  readonly payload?: unknown;
}

/**
 * Subscribes over a WebSocket that comes with a cookie, as a page does (the protocol of graphql-ws). Gives the text of
 * the error in the first message that says more than "connected"; the message itself if it has none.
 */
export function firstMessage(url: string, cookie: string, query: string): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers: { cookie } });
  const send = (message: object): void => socket.send(JSON.stringify(message));
  return new Promise<string>((found, reject) => {
    socket.on('error', reject);
    socket.on('close', (code: number) => reject(new Error(`closed: ${code}`)));
    socket.on('open', () => send({ type: 'connection_init' }));
    socket.on('message', (text: Buffer) => {
      const { type, payload } = JSON.parse(text.toString()) as Message;
      if (type === 'connection_ack') return send({ id: '1', type: 'subscribe', payload: { query } });
      const errors = Array.isArray(payload)
        ? payload
        : (payload as { readonly errors?: unknown[] } | undefined)?.errors;
      const [error] = (errors ?? []) as { readonly message: string }[];
      found(error?.message ?? text.toString());
    });
  }).finally(() => socket.close());
}
