/** Stands for a field that one of the three states does not have, which is not the same as one that is undefined. */
export const missing: unique symbol = Symbol('missing');
