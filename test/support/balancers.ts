import type { Balancer, BalancerOptions, ServerAddresses } from './balancer.js';
import { Haproxy } from './haproxy.js';
import { Nginx } from './nginx.js';
import { rounds } from './rounds.js';

/** Both, for behaviour that they share. `kind` is the name of a file in `deploy/haproxy` and `deploy/nginx`. */
export const balancers: readonly {
  readonly balancer: string;
  readonly start: (kind: string, servers: ServerAddresses, options?: BalancerOptions) => Promise<Balancer>;
}[] = [
  { balancer: 'HAProxy', start: Haproxy.start.bind(null) },
  { balancer: 'nginx', start: Nginx.start.bind(null) },
];

/** Sessions behind nginx are for `npm run test:stress`: that it routes as HAProxy does is in deploy-files. */
export const triedBalancers = balancers.slice(0, rounds(1, 2));
