import type { SessionError } from '../errors/session.error.js';

/** Close code of a WebSocket whose session has ended: in the range of applications, after HTTP's 401. */
export const SESSION_ENDED_CODE = 4401;

/** Close code of a WebSocket whose session could not be loaded: "try again later", as IANA has registered it. */
const TRY_AGAIN_LATER = 1013;

/** The event that clients of socket.io get before they are disconnected because their session has ended. */
export const SESSION_ENDED_EVENT = 'session:ended';

/** A client of `ws`, which is like a WebSocket of browsers, or one of socket.io. */
export interface SocketClient {
  readonly readyState?: unknown;
  on(event: string, listener: () => void): unknown;
  close(code: number, reason: string): unknown;
  emit(event: string, data: unknown): unknown;
  disconnect(closes: boolean): unknown;
}

export function whenClosed(client: SocketClient, listener: () => void): void {
  client.on(isNative(client) ? 'close' : 'disconnect', listener);
}

/** Tells the client why, and closes the connection. A client of socket.io does not connect again by itself then. */
export function closeSocket(client: SocketClient, { code }: SessionError, why: 'ended' | 'unavailable'): void {
  if (isNative(client)) {
    client.close(why === 'ended' ? SESSION_ENDED_CODE : TRY_AGAIN_LATER, code);
  } else {
    client.emit(why === 'ended' ? SESSION_ENDED_EVENT : 'exception', { status: 'error', code });
    client.disconnect(true);
  }
}

/** As Nest tells them apart. */
function isNative({ readyState }: SocketClient): boolean {
  return typeof readyState === 'number';
}
