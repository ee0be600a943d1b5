import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { HttpSession, UseSession } from 'nestjs-session-beans';
import { Counter } from '../count/counter.js';

/** The server of the adapter for ws. */
interface SocketServer {
  readonly clients: Iterable<{ send(text: string): void }>;
}

const MOST_CHARACTERS = 200;

/**
 * Passes what somebody says on to all who are connected to this server. The counter is the one of `/count`: a session
 * has it once, for requests and for messages.
 */
@UseSession()
@WebSocketGateway({ path: '/chat/socket' })
export class ChatGateway {
  @WebSocketServer() private readonly server!: SocketServer;

  constructor(
    private readonly counter: Counter,
    private readonly session: HttpSession,
  ) {}

  @SubscribeMessage('say')
  say(@MessageBody() text: unknown): object {
    this.counter.countUp();
    const line = { by: this.session.principal, text: String(text).slice(0, MOST_CHARACTERS) };
    for (const client of this.server.clients) client.send(JSON.stringify({ event: 'line', data: line }));
    return this.count();
  }

  /** The counter, as requests have left it. */
  @SubscribeMessage('count')
  count(): object {
    return { event: 'count', data: this.counter.getValue() };
  }
}
