import type { Socket } from 'node:net';
import { patientTimeout } from './patient-timeout.js';
import { MAX_CONNECTIONS, UNPROVEN_MS } from './wire-limits.js';

interface Admitted {
  readonly socket: Socket;
  /** Ends the wait for a proof; undefined once it has come. */
  stopWaiting: (() => void) | undefined;
}

/**
 * Bounds the connections that a member accepts. A connection that does not prove in time who it is, is closed. When
 * there are too many, the oldest of those makes room, so that strangers cannot keep members out. Connections that have
 * proved themselves stay.
 */
export class ConnectionGuard {
  private readonly admitted = new Map<string, Admitted>();

  constructor(private readonly onRefused: (socket: Socket, reason: string) => void) {}

  /** Takes a new connection, of which nothing has been read. */
  admit(socket: Socket): void {
    const address = addressOf(socket);
    if (this.admitted.size >= MAX_CONNECTIONS && !this.makeRoom()) {
      this.refuse(socket, `${MAX_CONNECTIONS} members are connected already`);
      return;
    }
    const admitted: Admitted = {
      socket,
      stopWaiting: patientTimeout(UNPROVEN_MS, () =>
        this.refuse(socket, `it did not prove who it is within ${UNPROVEN_MS} ms`),
      ),
    };
    this.admitted.set(address, admitted);
    socket.on('close', () => {
      admitted.stopWaiting?.();
      if (this.admitted.get(address) === admitted) this.admitted.delete(address);
    });
  }

  /**
   * The other end has proved who it is.
   * @param socket the connection, or the TLS connection on it
   */
  markProven(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): void {
    const admitted = this.admitted.get(addressOf(socket));
    admitted?.stopWaiting?.();
    if (admitted) admitted.stopWaiting = undefined;
  }

  /** Ends all connections. */
  close(): void {
    for (const { socket } of this.admitted.values()) socket.destroy();
  }

  private makeRoom(): boolean {
    for (const [address, { socket, stopWaiting }] of this.admitted) {
      if (!stopWaiting) continue;
      stopWaiting();
      this.admitted.delete(address);
      this.refuse(
        socket,
        `there are ${MAX_CONNECTIONS} connections, and it is the oldest that has not proved who it is`,
      );
      return true;
    }
    return false;
  }

  private refuse(socket: Socket, reason: string): void {
    this.onRefused(socket, reason);
    socket.destroy();
  }
}

function addressOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}
