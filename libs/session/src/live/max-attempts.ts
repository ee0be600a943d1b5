/**
 * After this many times in a row that another server was quicker, what was to be stored is refused with 503. With n servers that write one
 * session all the time, the chance to come to that is (1 - 1/n) to this power: none with four, one in 40,000 with ten.
 */
export const MAX_ATTEMPTS = 100;
