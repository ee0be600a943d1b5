import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ReplicationCallError } from '../replication-transport.js';
import { ConnectionEndedError } from './wire-connection.js';
import { PeerRefusedError } from '../credentials/credentials.js';

/**
 * Waits until a socket is connected, and secure if it is one of TLS. Destroys it when that fails.
 * @throws ReplicationCallError, ConnectionEndedError or PeerRefusedError; the signal's reason when that is aborted
 */
export function socketReady(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const settle = (error?: Error): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('close', onClose);
      if (!error) return resolve();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => settle(signal.reason as Error);
    const onClose = (): void => settle(new ConnectionEndedError('it ended the connection'));
    signal.addEventListener('abort', onAbort);
    socket.on('close', onClose);
    // The listener stays, so that a later error does not end the process.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      settle(isConnected ? afterConnecting(error) : whileConnecting(error)),
    );
    socket.once('connect', () => {
      isConnected = true;
      if (!(socket instanceof TLSSocket)) settle();
    });
    socket.once('secureConnect', () => settle());
    if (signal.aborted) onAbort();
  });
}

function whileConnecting(error: NodeJS.ErrnoException): Error {
  // A name may have several addresses: nobody listens only when nobody listens at any of them.
  const all = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error];
  const message = all.map((each) => each.message).join(', ');
  // Somebody listened, and died before this process saw the connection.
  if (all.some(({ code }) => code === 'ECONNRESET')) return new ConnectionEndedError(message, { cause: error });
  const reason = all.every(({ code }) => code === 'ECONNREFUSED') ? 'refused' : 'silent';
  return new ReplicationCallError(reason, message, { cause: error });
}

const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The meaning of an error of a connected socket: the connection broke, or TLS does not accept the other end. */
export function afterConnecting(error: NodeJS.ErrnoException): Error {
  return BROKEN.has(error.code ?? '')
    ? new ConnectionEndedError(error.message, { cause: error })
    : new PeerRefusedError(error.message, { cause: error });
}
