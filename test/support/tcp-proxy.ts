import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** A connection of a client through the proxy. */
export interface ProxiedConnection {
  /** The first 4 KB that its client has sent, among them the name that it gives itself. */
  readonly sent: string;

  /** Ends it, in both directions. */
  cut(): void;
}

const KEPT_CHARACTERS = 4_096;

/** Between clients and a server. It passes everything on, until a test makes it a bad network. Close it. */
export class TcpProxy {
  private readonly open = new Set<Connection>();

  /** How many connections clients have made so far. */
  connectionsMade = 0;

  /** The bytes that clients have sent, one entry per connection, if the proxy was told to keep them. */
  readonly recordings: Buffer[] = [];

  /** How many bytes were passed on so far, in both directions. */
  bytesPassed = 0;

  /** Answers of the server arrive this much later, in ms. */
  delayMs: number | ((connection: ProxiedConnection) => number) = 0;

  /** Nothing is passed on any more, in neither direction, and nobody is told. It never arrives. */
  isBlackHole = false;

  /** While it says yes, nothing of this direction of a connection arrives. It does after the next `release`. */
  holds: (connection: ProxiedConnection, direction: Direction) => boolean = () => false;

  /** When it says yes, nothing of this direction of a connection is passed on, without an error. */
  swallows: (sent: string, direction: Direction) => boolean = () => false;

  /** When it says yes to a request, that is passed on, but the client's connection ends before the answer. */
  losesAnswerTo: (request: string) => boolean = () => false;

  /** Replaces a piece that is passed on. Without a replacement, this direction of the connection ends. */
  tamper: (piece: Buffer, direction: Direction) => Buffer | undefined = (piece) => piece;

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    readonly isRecording: boolean,
  ) {}

  static async start(targetPort: number, { isRecording = false } = {}): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, targetPort, isRecording);
    server.on('connection', (client) => proxy.join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get connections(): readonly ProxiedConnection[] {
    return [...this.open];
  }

  /** Ends all connections of now. */
  cut(): void {
    for (const connection of this.open) connection.cut();
  }

  /** Passes on what `holds` kept back, unless it is still to be held. */
  release(): void {
    for (const connection of this.open) connection.release();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    const number = this.connectionsMade++;
    const connection = new Connection(this, client, connect(this.targetPort, '127.0.0.1'), number);
    this.open.add(connection);
    connection.onEnd(() => this.open.delete(connection));
  }
}

class Connection implements ProxiedConnection {
  sent = '';
  private isLosing = false;
  private readonly wires: Readonly<Record<Direction, Wire>>;

  constructor(
    private readonly proxy: TcpProxy,
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly number: number,
  ) {
    const isHeld = (direction: Direction) => (): boolean => proxy.holds(this, direction);
    this.wires = { toServer: new Wire(server, isHeld('toServer')), toClient: new Wire(client, isHeld('toClient')) };
    client.on('data', (piece) => this.request(piece));
    server.on('data', (piece) => this.answer(piece));
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => undefined);
    // Bytes that were passed on before the end still arrive.
    client.on('close', () => server.end().destroySoon());
    server.on('close', () => client.end().destroySoon());
  }

  onEnd(callback: () => void): void {
    this.client.on('close', callback);
    this.server.on('close', callback);
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  release(): void {
    for (const wire of Object.values(this.wires)) wire.flush();
  }

  private request(piece: Buffer): void {
    const { proxy } = this;
    if (this.sent.length < KEPT_CHARACTERS) this.sent += piece.toString('latin1');
    if (proxy.isRecording) {
      const before = proxy.recordings[this.number] ?? Buffer.alloc(0);
      proxy.recordings[this.number] = Buffer.concat([before, piece]);
    }
    if (proxy.isBlackHole || proxy.swallows(this.sent, 'toServer')) return;
    this.isLosing ||= proxy.losesAnswerTo(piece.toString('latin1'));
    this.pass(piece, 'toServer', 0);
  }

  private answer(piece: Buffer): void {
    const { proxy } = this;
    if (proxy.isBlackHole || proxy.swallows(this.sent, 'toClient')) return;
    const { delayMs } = proxy;
    if (this.isLosing) this.cut();
    else this.pass(piece, 'toClient', typeof delayMs === 'number' ? delayMs : delayMs(this));
  }

  private pass(piece: Buffer, direction: Direction, delayMs: number): void {
    const changed = this.proxy.tamper(piece, direction);
    this.proxy.bytesPassed += changed?.length ?? 0;
    if (changed) this.wires[direction].pass(changed, delayMs);
    else (direction === 'toServer' ? this.server : this.client).end();
  }
}

/** One direction of a connection. It passes bytes on in order, later if told so, and not at all while they are held. */
class Wire {
  private readonly queue: { readonly due: number; readonly bytes: Buffer }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly to: Socket,
    private readonly isHeld: () => boolean,
  ) {}

  pass(bytes: Buffer, delayMs: number): void {
    const after = this.queue.at(-1)?.due ?? 0;
    this.queue.push({ due: Math.max(after, performance.now() + delayMs), bytes });
    this.flush();
  }

  /** Passes on what is due. */
  flush(): void {
    if (this.timer || this.isHeld()) return;
    while (this.queue.length > 0) {
      const { due, bytes } = this.queue[0] as { due: number; bytes: Buffer };
      const wait = due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => {
          this.timer = undefined;
          this.flush();
        }, wait).unref();
        return;
      }
      this.queue.shift();
      if (this.to.writable) this.to.write(bytes);
    }
  }
}
