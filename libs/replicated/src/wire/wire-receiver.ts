import type { Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { AnswerReplicationCall } from '../replication-transport.js';
import { certificateIsFor } from './certificate-is-for.js';
import { ConnectionGuard } from './connection-guard.js';
import type { Credentials } from './credentials.js';
import { credentialsOf } from './credentials-of.js';
import { RareWarnings } from './rare-warnings.js';
import { Reception } from './reception.js';
import type { ResolvedWireOptions } from './resolve-wire-options.js';

/** The receiving side of a transport: who may connect, and who is turned away. */
export class WireReceiver {
  private readonly credentials: Credentials;
  private readonly warnings: RareWarnings;
  private readonly connections = new ConnectionGuard((socket, reason) => this.refused(socket, reason));

  constructor(private readonly options: ResolvedWireOptions) {
    this.credentials = credentialsOf(options);
    this.warnings = new RareWarnings(options.onWarning);
  }

  /** Bounds what a server accepts, and tells of TLS connections that came to nothing. */
  guard(server: Server): void {
    server.on('connection', (socket) => this.connections.admit(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      // Who hangs up was not turned away; unless it hung up because its certificate was not accepted.
      const reason = socket.authorizationError ?? (error.code === 'ECONNRESET' ? undefined : error.message);
      if (reason !== undefined && reason !== null)
        this.refused(socket, `its certificate or its TLS: ${String(reason)}`);
    });
    // Before that `listen` rejects.
    server.once('listening', () => {
      server.on('error', (error) =>
        this.warnings.warn(`${this.options.nodeName}: the replication port: ${error.message}`),
      );
    });
  }

  /** For one connection. @param socket that of TLS, if there is TLS */
  newReception(socket: Socket, answer: AnswerReplicationCall): Reception {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    const isCertified = (name: string): boolean =>
      !this.options.tls || (certificate !== undefined && certificateIsFor(certificate, name));
    return new Reception(this.credentials.expect(isCertified), answer, () => this.connections.vouchFor(socket));
  }

  refused(socket: Socket, reason: string): void {
    const from = socket.remoteAddress === undefined ? '' : ` from ${socket.remoteAddress}`;
    this.warnings.warn(`${this.options.nodeName} turned away a connection${from}: ${reason}`);
  }

  /** Ends all connections. */
  close(): void {
    this.connections.close();
  }
}
