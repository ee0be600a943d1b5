import type { RedisServer } from './redis-server.js';

/** The commands with which loads and saves begin. Nothing else uses them. */
const FIRST_OF_SESSIONS = ['get', 'getrange', 'getex'];

/** Commands of connections, of their heartbeats, of the look at the epoch every 5 s, and of the tests themselves. */
const OF_CONNECTIONS = /^(eval|evalsha|script\|.*|ping|info|hello|client\|.*|config\|.*|subscribe|select|auth|hget)$/;

/** Counts the commands that Redis was sent since this was made or `reset`. */
export class RedisCommands {
  constructor(private readonly redis: RedisServer) {}

  async reset(): Promise<void> {
    await this.redis.command('CONFIG', 'RESETSTAT');
  }

  /** How many scripts were run, and small sessions read without one. */
  async trips(): Promise<number> {
    const counts = await this.counts();
    return (counts.get('eval') ?? 0) + (counts.get('evalsha') ?? 0) + (counts.get('getex') ?? 0);
  }

  /** How many calls looked at sessions. Heartbeats are scripts, too, but look at none. */
  async ofSessions(): Promise<number> {
    const counts = await this.counts();
    return FIRST_OF_SESSIONS.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
  }

  /** Commands on keys, by name: those that scripts run inside, and others, of which there should be none. */
  async onKeys(): Promise<Map<string, number>> {
    const counts = await this.counts();
    return new Map([...counts].filter(([name]) => !OF_CONNECTIONS.test(name)));
  }

  /** How often connections that receive invalidations were pinged. */
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
