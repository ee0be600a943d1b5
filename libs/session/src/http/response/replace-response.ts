import { STATUS_CODES, type ServerResponse } from 'node:http';
import { Http2ServerResponse, constants } from 'node:http2';
import type { SessionError } from '../../errors/session.error.js';
import { RawResponseHeaders } from './response-headers.js';
import type { ResponseHooks } from './response-hooks.js';

/** Headers that describe the content that is not sent. Headers that are on every response (CORS, CSP) stay. */
const CONTENT_HEADERS = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-location',
  'content-range',
  'content-disposition',
  'transfer-encoding',
  'trailer',
  'accept-ranges',
  'etag',
  'last-modified',
  'cache-control',
  'expires',
  'location',
  'set-cookie',
]);

/**
 * Answers with an error instead of a response of which nothing has left.
 * @param refusal undefined for an error that says nothing to clients
 * @param keepAlive false when some code may still be writing the response: the closing connection tells it to stop
 */
export function replaceResponse(
  response: ServerResponse,
  refusal: SessionError | undefined,
  hooks: ResponseHooks,
  keepAlive: boolean,
): void {
  const status = refusal?.getStatus() ?? 500;
  const plainBody = refusal?.getResponse() ?? { statusCode: status, message: STATUS_CODES[status] };
  const body = JSON.stringify(hooks.errorBody?.(refusal) ?? plainBody);
  for (const name of response.getHeaderNames()) if (CONTENT_HEADERS.has(name)) response.removeHeader(name);
  const isHttp1 = !isHttp2(response);
  // HTTP/2 has no status message, and no header for the connection.
  if (isHttp1 && response.statusMessage) response.statusMessage = STATUS_CODES[status] ?? '';
  response.setHeader('Cache-Control', 'no-store');
  // An earlier commit of this request may have started a session, whose id the client does not know yet.
  hooks.beforeHead(new RawResponseHeaders(response, undefined), status);
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  };
  if (isHttp1 && !keepAlive) headers['Connection'] = 'close';
  // Calls Node's own methods: the patches of others were meant for the response that is not sent.
  const plain = Object.getPrototypeOf(response) as ServerResponse;
  plain.writeHead.call(response, status, headers);
  // `end` of HTTP/2 passes its chunk to the patched `write`.
  plain.write.call(response, body, 'utf8');
  plain.end.call(response, undefined, 'utf8');
}

/** Cuts off a response of which a part has left, so that its client does not take it for a complete one. */
export function breakOff(response: ServerResponse): void {
  // `destroy` would end the stream of HTTP/2 as if all were well.
  if (isHttp2(response)) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/** Whether the connection, or the stream of HTTP/2, has closed: no `close` event will follow. */
export function isGone(response: ServerResponse): boolean {
  return isHttp2(response) ? response.stream.destroyed : response.destroyed;
}

/** Node gives the handlers of HTTP/2 a response of another class, which has nearly the same methods. */
export function isHttp2(response: ServerResponse | Http2ServerResponse): response is Http2ServerResponse {
  return response instanceof Http2ServerResponse;
}
