import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** Between a client and a server: keeps what was said, and changes it when it is told to. Close it. */
export class RecordingProxy {
  private readonly sockets = new Set<Socket>();

  /** What clients have sent, one entry per connection. */
  readonly recordings: Buffer[] = [];

  /** What is passed on in place of a piece; nothing ends the connection. */
  tamper: (piece: Buffer, direction: Direction) => Buffer | undefined = (piece) => piece;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<RecordingProxy> {
    const server = createServer();
    const proxy = new RecordingProxy(server, targetPort);
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
    const recording = this.recordings.push(Buffer.alloc(0)) - 1;
    client.on('data', (piece) => {
      this.recordings[recording] = Buffer.concat([this.recordings[recording] ?? Buffer.alloc(0), piece]);
      this.pass(piece, 'toServer', server);
    });
    server.on('data', (piece) => this.pass(piece, 'toClient', client));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        // What was passed on before the end still arrives.
        other.end();
        other.destroySoon();
      });
    }
  }

  private pass(piece: Buffer, direction: Direction, to: Socket): void {
    const changed = this.tamper(piece, direction);
    if (changed) to.write(changed);
    else to.end();
  }
}
