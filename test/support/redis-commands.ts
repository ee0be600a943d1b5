import type { RedisServer } from './redis-server.js';

/** What scripts of sessions, and only those, run inside: load and save begin with it. */
const IN_A_SCRIPT = 'hmget';

/** What belongs to the connections, to their beats and to this test. */
const OF_CONNECTIONS = /^(eval|evalsha|script\|.*|ping|info|hello|client\|.*|config\|.*|subscribe|select|auth)$/;

/** What Redis was asked, since this was made or `reset`. */
export class RedisCommands {
  constructor(private readonly redis: RedisServer) {}

  async reset(): Promise<void> {
    await this.redis.command('CONFIG', 'RESETSTAT');
  }

  /** How many scripts were run. */
  async scripts(): Promise<number> {
    const counts = await this.counts();
    return (counts.get('eval') ?? 0) + (counts.get('evalsha') ?? 0);
  }

  /** How many scripts looked at sessions. Beats are scripts, too, which look at nothing. */
  async sessionScripts(): Promise<number> {
    return (await this.counts()).get(IN_A_SCRIPT) ?? 0;
  }

  /** Commands on keys, by name: those that scripts run inside, and others, of which there should be none. */
  async onKeys(): Promise<Map<string, number>> {
    const counts = await this.counts();
    return new Map([...counts].filter(([name]) => !OF_CONNECTIONS.test(name)));
  }

  /** How often connections that are told of changes were asked whether they work. */
  async beats(): Promise<number> {
    return (await this.counts()).get('ping') ?? 0;
  }

  /** How many bytes Redis has sent. */
  async bytesSent(): Promise<number> {
    return Number(await this.redis.info('stats', 'total_net_output_bytes'));
  }

  /** All commands by name, with those that scripts run inside. */
  async counts(): Promise<Map<string, number>> {
    const text = String(await this.redis.command('INFO', 'commandstats'));
    const lines = [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)];
    return new Map(lines.map(([, name, count]) => [name as string, Number(count)]));
  }
}
