import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { HttpSession, RequireLogin, UseSession } from 'nestjs-session-beans';
import { Tally } from './tally.js';

const MOST_CHARACTERS = 200;

/** The server of the adapter for ws. */
interface SocketServer {
  readonly clients: Iterable<{ send(text: string): void }>;
}

/** Each message is a unit of work of its session, as a request is. A logout closes all sockets of the session. */
@UseSession()
@RequireLogin()
@WebSocketGateway({ path: '/socket' })
export class ChatGateway {
  @WebSocketServer() private readonly server!: SocketServer;

  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
  ) {}

  @SubscribeMessage('say')
  say(@MessageBody() text: unknown): object {
    this.tally.lines++;
    const line = { by: this.session.principal, text: String(text).slice(0, MOST_CHARACTERS) };
    for (const client of this.server.clients) client.send(JSON.stringify({ event: 'line', data: line }));
    return { event: 'tally', data: this.tally.lines };
  }
}
