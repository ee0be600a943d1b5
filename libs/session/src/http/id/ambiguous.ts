/**
 * What a reader answers when the client named more than one session at once: nobody can say which one is meant, so there is
 * no session (cookie tossing; RFC 6265bis on the order of cookies, ASVS 5.0 15.3.7).
 * A symbol, because every text could also be the value of a cookie.
 */
export const AMBIGUOUS: unique symbol = Symbol('ambiguous');
