const SET_COOKIE = /\r\nset-cookie: ([^;\r]*)/gi;

/**
 * The cookies of one client of a site, kept as a browser keeps them. It holds only a string, because there may be a
 * million of them.
 */
export class Visitor {
  /** Value of the Cookie header; empty without cookies. */
  cookie = '';

  /** @param {string} head the header block of a response */
  keep(head) {
    if (!head.includes('et-')) return;
    for (const [, pair] of head.matchAll(SET_COOKIE)) {
      const name = pair.slice(0, pair.indexOf('=') + 1);
      const others = this.cookie.split('; ').filter((other) => other !== '' && !other.startsWith(name));
      this.cookie = [...others, pair].join('; ');
    }
  }
}
