import { withUrlParameter } from './url-parameter.js';

// A scheme, or two slashes: the address names a host.
const NAMES_A_HOST = /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/\/)/;

// Browsers drop tabs and line breaks, trim control characters and read "\" as "/": "/\t/host" and "/\host" name a host too.
// oxlint-disable-next-line no-control-regex
const REWRITTEN_BY_BROWSERS = /[\u0000-\u0020\u007f\\]/;

/**
 * An address with the session token in it, for links, forms and redirects of an application that uses the transport `url`
 * (the servlet specification's `encodeURL`). The parameter `sid` goes to the end of the query, in front of a fragment, and
 * replaces one that is there: `/cart?page=2#top` becomes `/cart?page=2&sid=<token>#top`.
 *
 * Only addresses within the application get the token. One that names a host, or that a browser might understand as one
 * that does, is returned as it is, since the token would go to another site; so is one that stays on the page
 * (empty, or only a fragment).
 */
export function encodeUrl(url: string, token: string): string {
  if (url === '' || url.startsWith('#') || NAMES_A_HOST.test(url) || REWRITTEN_BY_BROWSERS.test(url)) return url;
  const fragment = url.indexOf('#');
  const address = fragment === -1 ? url : url.slice(0, fragment);
  const question = address.indexOf('?');
  const path = question === -1 ? address : address.slice(0, question);
  const query = question === -1 ? '' : address.slice(question + 1);
  return `${path}?${withUrlParameter(query, token)}${fragment === -1 ? '' : url.slice(fragment)}`;
}
