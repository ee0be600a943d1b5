import { Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/**
 * Has what is sent on a connection from now until the end of this turn of the event loop leave in one piece: for a small command, the system call
 * costs more than all the rest. (ioredis gathers commands, too, `enableAutoPipelining`, at a higher price.) A cluster has a connection for each server, and chooses for
 * itself.
 */
export function gatherWrites(client: RedisClient): void {
  if (!(client instanceof Redis) || !client.stream || client.stream.writableCorked > 0) return;
  client.stream.cork();
  setImmediate(release, client.stream);
}

function release(stream: Redis['stream']): void {
  stream.uncork();
}
