import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ReplicationMember } from '../replication-member.js';
import { callingTls } from '../wire/mutual-tls.js';
import { socketReady } from '../wire/socket-ready.js';
import type { ReplicationWireOptions } from '../wire/wire.options.js';

/** Connects and hangs up. @throws what `socketReady` does: why there is no connection */
export async function probe(
  tls: ReplicationWireOptions['tls'],
  { name, host, port }: ReplicationMember,
  signal: AbortSignal,
): Promise<void> {
  const socket = tls
    ? connectTls({ ...callingTls(tls, name), host, port, ALPNProtocols: ['h2'] })
    : connect({ host, port });
  await socketReady(socket, signal);
  socket.destroy();
}
