import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * One keep-alive connection with one request at a time. It is as cheap as Node allows, because the load on one core has
 * to outrun the server on another. It understands the part of HTTP/1.1 that the contestants use: a body with a
 * Content-Length.
 */
export class Client {
  #socket;
  #received;
  #waiting;

  constructor(port) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay();
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  /**
   * @param {string} path
   * @param {import('./visitor.mjs').Visitor} visitor its cookies are sent, and updated from the response
   * @returns {Promise<{ status: number, body: string }>}
   */
  get(path, visitor) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, visitor };
      const cookie = visitor.cookie === '' ? '' : `Cookie: ${visitor.cookie}\r\n`;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${cookie}\r\n`, 'latin1');
    });
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk) {
    const bytes = this.#received ? Buffer.concat([this.#received, chunk]) : chunk;
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd === -1) return void (this.#received = bytes);
    const head = bytes.latin1Slice(0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`an answer without Content-Length: ${head}`);
    const end = headEnd + 4 + length;
    if (bytes.length < end) return void (this.#received = bytes);
    this.#received = undefined;
    const { resolve, visitor } = this.#waiting;
    visitor.keep(head);
    resolve({ status: Number(head.slice(9, 12)), body: bytes.utf8Slice(headEnd + 4, end) });
  }
}
