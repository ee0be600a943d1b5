import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

/** One response as it came over the wire; of a chunked one, the chunks put together. */
export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** The `Set-Cookie` lines. */
  readonly cookies: string[];
  /** The first value. */
  header(name: string): string | undefined;
}

/** A connection on which a test decides about every byte, and sees when the first one of an answer arrives. */
export class RawClient {
  received = '';
  private method = 'GET';

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
  }

  static async open(url: string): Promise<RawClient> {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends one request on a connection of its own and reads until it is closed. */
  static async exchange(
    url: string,
    path: string,
    headers: readonly string[] = [],
    method = 'GET',
  ): Promise<RawResponse> {
    const client = await RawClient.open(url);
    client.request(path, ['Connection: close', ...headers], method);
    const response = await client.response();
    client.destroy();
    return response;
  }

  request(path: string, headers: readonly string[] = [], method = 'GET'): void {
    this.method = method;
    this.received = '';
    this.socket.write([`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'), 'latin1');
  }

  /** Until the text so far satisfies the condition. */
  async until(condition: (received: string) => boolean): Promise<string> {
    while (!condition(this.received)) {
      if (this.socket.closed) throw new Error(`the connection was closed after: ${this.received}`);
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return this.received;
  }

  /** The answer to the last request: whole, or as far as it came before the connection was closed. */
  async response(): Promise<RawResponse> {
    while (!this.socket.closed && !isComplete(this.received, this.method)) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return parse(this.received);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function parse(text: string): RawResponse {
  const separator = text.indexOf('\r\n\r\n');
  const head = separator === -1 ? text : text.slice(0, separator);
  const lines = head.split('\r\n');
  const values = (name: string): string[] =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  const body = separator === -1 ? '' : text.slice(separator + 4);
  return {
    status: Number(lines[0]?.split(' ')[1] ?? 0),
    head,
    body: values('transfer-encoding').includes('chunked') ? unchunked(body) : body,
    cookies: values('set-cookie'),
    header: (name) => values(name)[0],
  };
}

function isComplete(text: string, method: string): boolean {
  const separator = text.indexOf('\r\n\r\n');
  if (separator === -1) return false;
  const response = parse(text);
  if (method === 'HEAD' || response.status === 204 || response.status === 304) return true;
  const length = response.header('content-length');
  if (length !== undefined) return response.body.length >= Number(length);
  return response.header('transfer-encoding') === 'chunked' && text.endsWith('\r\n0\r\n\r\n');
}

function unchunked(body: string): string {
  let text = '';
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    if (line === -1 || !(size > 0)) return text;
    text += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}

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
