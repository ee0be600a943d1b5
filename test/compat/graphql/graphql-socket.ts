import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { eventually } from '../../support/eventually.js';

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

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

/** What a server has said of one operation. */
export interface Operation {
  readonly results: Result[];
  isOver: boolean;
}

/** A WebSocket that comes with a cookie, as that of a page does, and speaks the protocol of graphql-ws. Close it. */
export class GraphqlSocket {
  private readonly operations = new Map<string, Operation>();
  private acknowledged = false;

  private constructor(private readonly socket: Socket) {
    socket.on('message', (text: Buffer) => this.receive(JSON.parse(text.toString()) as Message));
  }

  static async open(url: string, cookie: string): Promise<GraphqlSocket> {
    const headers = cookie === '' ? {} : { cookie };
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
    const opened = new GraphqlSocket(socket);
    await new Promise((open, reject) => socket.on('open', open).on('error', reject));
    opened.send({ type: 'connection_init' });
    await eventually('the connection is acknowledged', () => opened.acknowledged);
    return opened;
  }

  start(query: string): Operation {
    const operation: Operation = { results: [], isOver: false };
    const id = String(this.operations.size + 1);
    this.operations.set(id, operation);
    this.send({ id, type: 'subscribe', payload: { query } });
    return operation;
  }

  close(): void {
    this.socket.close();
  }

  private send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  private receive({ type, id = '', payload }: Message): void {
    if (type === 'connection_ack') this.acknowledged = true;
    const operation = this.operations.get(id);
    if (type === 'next') operation?.results.push(payload as Result);
    if (type === 'error') operation?.results.push({ errors: payload as NonNullable<Result['errors']> });
    if (operation && (type === 'complete' || type === 'error')) operation.isOver = true;
  }
}

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}
