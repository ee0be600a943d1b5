import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';

/** Stands in for a socket. It collects the bytes of a response and reports them as written one tick later. */
class FakeSocket extends EventEmitter {
  writable = true;
  destroyed = false;
  remoteAddress = '127.0.0.1';
  writableHighWaterMark = 16_384;
  _writableState = { corked: 0 };
  text = '';

  write(chunk, encoding, callback) {
    this.text = this.text === '' ? String(chunk) : this.text + String(chunk);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  }
  cork() {}
  uncork() {}
  setTimeout() {}
  destroy() {
    this.destroyed = true;
  }
}

/** A keep-alive connection without a socket. Requests and responses are real ones of node:http. */
export class FakeConnection {
  #socket = new FakeSocket();

  /** @param {(request: IncomingMessage, response: ServerResponse) => void} handle the server's request handler */
  constructor(handle) {
    this.handle = handle;
  }

  /**
   * @param {string} url
   * @param {import('../measure/visitor.mjs').Visitor} visitor
   * @returns {Promise<string>} the response as it would be on the wire
   */
  get(url, visitor) {
    const socket = this.#socket;
    const request = new IncomingMessage(socket);
    request.method = 'GET';
    request.url = url;
    request.httpVersion = '1.1';
    request.httpVersionMajor = 1;
    request.httpVersionMinor = 1;
    request.complete = true;
    request.headers = visitor.cookie === '' ? { host: '127.0.0.1' } : { host: '127.0.0.1', cookie: visitor.cookie };
    const response = new ServerResponse(request);
    response.shouldKeepAlive = true;
    response.assignSocket(socket);
    socket.text = '';
    return new Promise((resolve) => {
      response.on('finish', () => {
        response.detachSocket(socket);
        // node:http emits `close` in the next tick, too.
        process.nextTick(() => {
          response.destroyed = true;
          response.emit('close');
          visitor.keep(socket.text);
          resolve(socket.text);
        });
      });
      this.handle(request, response);
    });
  }
}
