import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';

/** The name under which the sentinels know the primary. */
const NAME = 'sessions';

/** A primary with replicas, and sentinels that watch them, of the test's own. Stop it. */
export class RedisSentinels {
  private constructor(
    readonly primary: RedisServer,
    readonly replicas: readonly RedisServer[],
    readonly sentinels: readonly RedisServer[],
  ) {}

  static async start({ replicas, sentinels }: { replicas: number; sentinels: number }): Promise<RedisSentinels> {
    const servers: RedisServer[] = [];
    const add = (server: RedisServer): RedisServer => {
      servers.push(server);
      return server;
    };
    try {
      const primary = add(await RedisServer.start('--repl-diskless-sync-delay', '0'));
      const following = ['--replicaof', '127.0.0.1', `${primary.port}`, '--repl-diskless-sync-delay', '0'];
      const copies: RedisServer[] = [];
      for (let i = 0; i < replicas; i++) copies.push(add(await RedisServer.start(...following)));
      for (const copy of copies) {
        await eventually(
          'the replica follows',
          async () => (await copy.info('replication', 'master_link_status')) === 'up',
        );
      }
      const quorum = Math.floor(sentinels / 2) + 1;
      const config = [
        `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} ${quorum}`,
        // A server of a busy machine may be silent for a second: it is not to be replaced in the middle of a test.
        `sentinel down-after-milliseconds ${NAME} 3000`,
        `sentinel failover-timeout ${NAME} 6000`,
        '',
      ].join('\n');
      const watching: RedisServer[] = [];
      for (let i = 0; i < sentinels; i++) watching.push(add(await RedisServer.startConfigured(config, '--sentinel')));
      for (const sentinel of watching) {
        await eventually('the sentinel knows the others', async () => {
          const state = pairs(await sentinel.command('SENTINEL', 'MASTER', NAME));
          const others = Number(state.get('num-other-sentinels'));
          return Number(state.get('num-slaves')) === replicas && others === sentinels - 1;
        });
      }
      return new RedisSentinels(primary, copies, watching);
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop()));
      throw error;
    }
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  /** The port of the server that is the primary now, as the sentinels have it. */
  async primaryPort(): Promise<number> {
    const [sentinel] = this.sentinels as [RedisServer];
    const [, port] = (await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string];
    return Number(port);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, this.primary, ...this.replicas].map((server) => server.stop()));
  }
}

function pairs(reply: unknown): Map<string, string> {
  const flat = reply as string[];
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] as string] as const] : [])));
}
