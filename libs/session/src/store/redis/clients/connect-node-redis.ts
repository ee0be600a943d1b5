import { NodeRedisClusterClient } from './node-redis-cluster-client.js';
import { NodeRedisConnection } from './node-redis-connection.js';
import { NodeRedisSentinelClient } from './node-redis-sentinel-client.js';
import type { NodeRedisCluster, NodeRedisSentinel, NodeRedisSingle } from './node-redis-types.js';
import { OwnNodeRedisClient } from './own-node-redis-client.js';
import type { RedisAddress } from './redis-address.js';

/** `redis` or `@redis/client`. */
export interface NodeRedisLibrary {
  createClient(options: object): NodeRedisSingle;
  createCluster(options: object): NodeRedisCluster;
  createSentinel(options: object): NodeRedisSentinel;
}

/**
 * The settings that a request path needs and that node-redis does not have by default: a command fails at once while
 * there is no connection, and one that is silent is given up. (`OwnNodeRedisClient` adds those of the sockets.)
 */
const forRequests = {
  disableOfflineQueue: true,
  pingInterval: 1_000,
  maintNotifications: 'disabled',
};

/** The client of node-redis for an address, with settings that fit a request path. */
export function ownNodeRedisClientFor(
  library: NodeRedisLibrary,
  { kind, nodes, usesTls, username, password, path }: RedisAddress,
): OwnNodeRedisClient {
  const login = { ...(username && { username }), ...(password && { password }) };
  const tls = usesTls && { tls: true };
  return new OwnNodeRedisClient((sockets) => {
    const settings = { ...forRequests, ...login, socket: { ...sockets, ...tls } };
    switch (kind) {
      case 'sentinel': {
        const client = library.createSentinel({
          name: path,
          sentinelRootNodes: [...nodes],
          nodeClientOptions: settings,
          sentinelClientOptions: { socket: { ...tls, connectTimeout: 1_000, socketTimeout: 0 } },
          passthroughClientErrorEvents: true,
        });
        return { client, port: new NodeRedisSentinelClient(client) };
      }
      case 'cluster': {
        const rootNodes = nodes.map((node) => ({ socket: node }));
        const client = library.createCluster({ rootNodes, defaults: settings, maxCommandRedirections: 6 });
        return { client, port: new NodeRedisClusterClient(client) };
      }
      case 'single': {
        const socket = { ...settings.socket, ...nodes[0] };
        const client = library.createClient({ ...settings, socket, database: Number(path) });
        return { client, port: new NodeRedisConnection(client) };
      }
    }
  });
}
