import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { ResponseHooks } from './response-hooks.js';
import { RawResponseHeaders } from './response-headers.js';

/** Headers that describe the content which is not sent. Those that the application puts on everything (CORS, CSP) stay. */
const OF_THE_CONTENT =
  /^(?:content-(?:type|length|encoding|language|location|range|disposition)|transfer-encoding|trailer|accept-ranges|etag|last-modified|cache-control|expires|location|set-cookie)$/;

/**
 * Answers with an error, in the shape of Nest's default filter, instead of a response of which nothing has left.
 * @param keepAlive false when something may still be writing to the response: the closing connection tells it to stop
 */
export function replaceResponse(
  response: ServerResponse,
  status: number,
  keeper: ResponseHooks,
  keepAlive: boolean,
): void {
  const body = JSON.stringify({ statusCode: status, message: STATUS_CODES[status] });
  for (const name of response.getHeaderNames()) if (OF_THE_CONTENT.test(name)) response.removeHeader(name);
  const isHttp1 = response.req.httpVersionMajor === 1;
  // HTTP/2 has neither: connections are not a response's business there.
  if (isHttp1 && response.statusMessage) response.statusMessage = STATUS_CODES[status] ?? '';
  response.setHeader('Cache-Control', 'no-store');
  // An earlier commit of this request may have handed an id out.
  keeper.beforeHead(new RawResponseHeaders(response, undefined), status);
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  };
  if (isHttp1 && !keepAlive) headers['Connection'] = 'close';
  // Past whatever others patched: what they were about to do was meant for the response that is not sent.
  const plain = Object.getPrototypeOf(response) as ServerResponse;
  plain.writeHead.call(response, status, headers);
  plain.end.call(response, body, 'utf8');
}
