import { connect, type Socket } from 'node:net';

/**
 * Says something to a port as no member would. `heard` resolves with all that came back, when the other end closes the
 * connection.
 */
export function rawConversation(
  port: number,
  said?: Buffer | string,
): { readonly socket: Socket; readonly heard: Promise<Buffer> } {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  const heard = new Promise<Buffer>((resolve) => {
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(pieces)));
  });
  if (said !== undefined) socket.write(said);
  return { socket, heard };
}
