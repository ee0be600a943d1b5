import { AMBIGUOUS } from './ambiguous.js';

const PARAMETER = 'sid';
const EQUALS = '='.charCodeAt(0);

/**
 * The query parameter `sid` of a request target: `undefined` when it is not there, `AMBIGUOUS` when it is there more than
 * once, even with equal values. Name and value are taken as they stand, without percent-decoding; `;` does not separate;
 * a path never counts. Linear time.
 */
export function readUrlParameter(url: string): string | undefined | typeof AMBIGUOUS {
  const fragment = url.indexOf('#');
  const end = fragment === -1 ? url.length : fragment;
  const question = url.indexOf('?');
  if (question === -1) return undefined;
  let found: string | undefined;
  for (let start = question + 1; start <= end;) {
    const ampersand = url.indexOf('&', start);
    const stop = ampersand === -1 || ampersand > end ? end : ampersand;
    if (isParameter(url, start, stop)) {
      if (found !== undefined) return AMBIGUOUS;
      found = url.slice(start + PARAMETER.length + 1, stop);
    }
    start = stop + 1;
  }
  return found;
}

/** A query (without `?`) with `sid` set to the token in place of whatever `sid` it had. */
export function withUrlParameter(query: string, token: string): string {
  const others = query.split('&').filter((pair) => pair !== '' && !isParameter(pair, 0, pair.length));
  return [...others, `${PARAMETER}=${token}`].join('&');
}

/** `sid` without `=` counts as well: other parsers read it as an empty value. */
function isParameter(text: string, start: number, stop: number): boolean {
  const nameEnd = start + PARAMETER.length;
  return (
    text.startsWith(PARAMETER, start) && (nameEnd === stop || (nameEnd < stop && text.charCodeAt(nameEnd) === EQUALS))
  );
}
