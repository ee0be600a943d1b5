import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { freePort } from './free-port.js';

/** A request as it arrived at a server: `GET /path`. Health checks are not recorded. */
export interface ReceivedRequest {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server of which a test decides how it behaves towards a balancer. Answers with its name. Stop it. */
export class EchoServer {
  readonly received: ReceivedRequest[] = [];

  /** How it treats every request other than `GET /health`. */
  behaviour: 'answers' | 'closes the connection' | 'says 503' = 'answers';

  /** Connections that have ended: how many such requests they carried, and who was the first to close. */
  readonly ended: { readonly requests: number; readonly closedFirstBy: 'balancer' | 'server' }[] = [];

  private readonly requestsOf = new Map<Socket, number>();
  private server: Server | undefined;

  private constructor(
    readonly name: string,
    readonly port: number,
  ) {}

  static async start(name: string): Promise<EchoServer> {
    const server = new EchoServer(name, await freePort());
    await server.listen();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** (Again), on the same port. */
  async listen(): Promise<void> {
    this.server = createServer((request, response) => this.handle(request, response)).listen(this.port, '127.0.0.1');
    this.server.on('connection', (socket) => this.watch(socket));
    await once(this.server, 'listening');
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server?.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  private watch(socket: Socket): void {
    let closedFirstBy: 'balancer' | 'server' = 'balancer';
    socket.on('timeout', () => (closedFirstBy = 'server'));
    socket.on('close', () => {
      const requests = this.requestsOf.get(socket) ?? 0;
      if (requests > 0) this.ended.push({ requests, closedFirstBy });
    });
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (request.url === '/health') {
      response.end('ok');
      return;
    }
    this.requestsOf.set(request.socket, (this.requestsOf.get(request.socket) ?? 0) + 1);
    request.on('end', () => {
      this.received.push({ line: `${request.method} ${request.url}`, headers: request.headers });
      if (this.behaviour === 'closes the connection') request.socket.destroy();
      else response.writeHead(this.behaviour === 'answers' ? 200 : 503).end(this.name);
    });
  }
}
