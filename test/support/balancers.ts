import type { Balancer, ServerAddresses } from './balancer.js';
import { Haproxy } from './haproxy.js';
import { Nginx } from './nginx.js';

/** Both, for behaviour that they share. `kind` is the name of a file in `deploy/haproxy` and `deploy/nginx`. */
export const balancers: readonly {
  readonly balancer: string;
  readonly start: (kind: string, servers: ServerAddresses) => Promise<Balancer>;
}[] = [
  { balancer: 'HAProxy', start: (kind, servers) => Haproxy.start(kind, servers) },
  { balancer: 'nginx', start: (kind, servers) => Nginx.start(kind, servers) },
];
