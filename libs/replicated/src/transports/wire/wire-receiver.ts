import type { Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { AnswerReplicationCall } from '../replication-transport.js';
import type { ExpectedIntroduction, ReceivingChannel } from '../credentials/credentials.js';
import { certificateIsFor } from './mutual-tls.js';
import { ConnectionGuard } from './connection-guard.js';
import type { ResolvedWireOptions } from './wire.options.js';

const EVERY_MS = 60_000;
const REMEMBERED = 100;

/** Passes warnings on, the same at most once a minute: strangers at the port could fill the log otherwise. */
export class RareWarnings {
  private readonly last = new Map<string, number>();

  constructor(private readonly tell: (warning: string) => void) {}

  warn(warning: string): void {
    const now = performance.now();
    const last = this.last.get(warning);
    if (last !== undefined && now - last < EVERY_MS) return;
    if (this.last.size >= REMEMBERED) this.last.clear();
    this.last.set(warning, now);
    this.tell(warning);
  }
}

/** The receiving end of one connection: first finds out who calls, then has the calls answered. */
export class Reception {
  private introduced: { readonly caller: string; readonly channel: ReceivingChannel } | undefined;

  /** @param onIntroduced called once, when the caller has proved who it is */
  constructor(
    private readonly expected: ExpectedIntroduction,
    private readonly answer: AnswerReplicationCall,
    private readonly onIntroduced: () => void,
  ) {}

  get isIntroduced(): boolean {
    return this.introduced !== undefined;
  }

  /** @throws PeerRefusedError: close the connection, answer nothing */
  async receive(text: string): Promise<string> {
    if (this.introduced) {
      const { caller, channel } = this.introduced;
      const call = channel.open(text);
      return call.seal(await this.answer(caller, call.text));
    }
    const { answer, introduced } = this.expected.step(text);
    this.introduced = introduced;
    if (introduced) this.onIntroduced();
    return answer;
  }
}

/** The receiving side of a transport: decides who may connect, and reports who is turned away. */
export class WireReceiver {
  private readonly warnings: RareWarnings;
  private readonly connections = new ConnectionGuard((socket, reason) => this.warnOfRefusal(socket, reason));

  constructor(private readonly options: ResolvedWireOptions) {
    this.warnings = new RareWarnings(options.onWarning);
  }

  /** Bounds the connections that a server accepts, and reports TLS connections that failed. */
  guard(server: Server): void {
    server.on('connection', (socket) => this.connections.admit(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      // A caller that hangs up was not turned away, unless it did so because its certificate was not accepted.
      const reason = socket.authorizationError ?? (error.code === 'ECONNRESET' ? undefined : error.message);
      if (reason !== undefined && reason !== null)
        this.warnOfRefusal(socket, `its certificate or its TLS: ${String(reason)}`);
    });
    // Before that, `listen` rejects with the error.
    server.once('listening', () => {
      server.on('error', (error) =>
        this.warnings.warn(`${this.options.nodeName}: the replication port: ${error.message}`),
      );
    });
  }

  /** The receiving end for one connection. @param socket the TLS connection, if there is TLS */
  newReception(socket: Socket, answer: AnswerReplicationCall): Reception {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    const isCertified = (name: string): boolean =>
      !this.options.tls || (certificate !== undefined && certificateIsFor(certificate, name));
    return new Reception(this.options.credentials.expect(isCertified), answer, () =>
      this.connections.markProven(socket),
    );
  }

  warnOfRefusal(socket: Socket, reason: string): void {
    const from = socket.remoteAddress === undefined ? '' : ` from ${socket.remoteAddress}`;
    this.warnings.warn(`${this.options.nodeName} turned away a connection${from}: ${reason}`);
  }

  /** Ends all connections. */
  close(): void {
    this.connections.close();
  }
}
