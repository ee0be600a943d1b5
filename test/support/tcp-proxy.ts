import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

/** Between a client and a server: passes everything on, until it is told to be the bad network. Close it. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();

  /** Answers are passed on this much later. */
  delayMs = 0;

  /** Nothing is passed on any more, in neither direction, and nobody is told. */
  isBlackHole = false;

  /**
   * When it says yes, nothing is passed on any more of this direction of a connection, and nobody is told. `sent` is
   * what its client has sent first: 4 KB of it, among them its name.
   */
  swallows: (sent: string, direction: 'request' | 'answer') => boolean = () => false;

  /**
   * When it says yes to a request, the request is passed on, but instead of its answer the client sees its connection
   * end.
   */
  losesAnswerTo: (request: string) => boolean = () => false;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, targetPort);
    server.on('connection', (client) => proxy.join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Ends all connections of now. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const server = connect(this.targetPort, '127.0.0.1');
    let isLosing = false;
    let sent = '';
    client.on('data', (chunk) => {
      if (sent.length < 4_096) sent += chunk.toString('latin1');
      if (this.isBlackHole || this.swallows(sent, 'request')) return;
      isLosing ||= this.losesAnswerTo(chunk.toString('latin1'));
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (this.isBlackHole || this.swallows(sent, 'answer')) return;
      if (isLosing) client.destroy();
      else if (this.delayMs > 0) setTimeout(() => client.writable && client.write(chunk), this.delayMs).unref();
      else client.write(chunk);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
