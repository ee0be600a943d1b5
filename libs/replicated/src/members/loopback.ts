import { isIP } from 'node:net';

/** Whether only this machine can reach the host. A name counts only if it means loopback by definition (RFC 6761). */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  if (isIP(bare) === 6) return bare === '::1' || bare.startsWith('::ffff:127.');
  return bare === 'localhost' || bare.endsWith('.localhost');
}
