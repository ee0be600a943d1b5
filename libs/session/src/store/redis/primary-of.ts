import type { Cluster, Redis } from 'ioredis';

/** The client's connection to a primary of the cluster, by the name that `cluster.slots` has for it. */
export function primaryOf(cluster: Cluster, name: string | undefined): Redis | undefined {
  return cluster.nodes('master').find(({ options }) => `${options.host}:${options.port}` === name);
}
