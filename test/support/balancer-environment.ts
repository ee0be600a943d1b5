import type { ServerAddresses } from './balancer.js';

/** What the files in `deploy` take from the environment: LISTEN, and an address for each server, S1 of s1. */
export function balancerEnvironment(port: number, servers: ServerAddresses): Record<string, string> {
  const addresses = Object.entries(servers).map(([name, address]) => [name.toUpperCase(), address]);
  return { LISTEN: `127.0.0.1:${port}`, ...Object.fromEntries(addresses) };
}
