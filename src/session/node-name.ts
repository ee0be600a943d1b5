/** Token of this server's name, null where it has none. */
export const NODE_NAME = Symbol('NODE_NAME');
