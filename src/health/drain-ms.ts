/** Token of the time, in milliseconds, that this server goes on serving with red health before it closes. */
export const DRAIN_MS = Symbol('DRAIN_MS');
