import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LOAD_CORE } from './cores.mjs';
import { cpuTimeUs } from './cpu-time.mjs';
import { freePort } from './free-port.mjs';

/** Commands that servers send on their own, not for a request. */
const NOT_OF_REQUESTS =
  /^(?:info|ping|hello|auth|client|config|command|select|script|function|flushall|dbsize|memory|subscribe|publish)/;
const SCRIPT = /^(?:eval|fcall|getex)/;

/** A redis-server for the benchmark alone, on the core of the load, without persistence. The caller stops it. */
export class RedisUnderTest {
  #process;
  #client;

  static async start() {
    const redis = new RedisUnderTest();
    redis.port = await freePort();
    const settings = [
      '--port',
      String(redis.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      tmpdir(),
    ];
    redis.#process = spawn('taskset', ['-c', LOAD_CORE, 'redis-server', ...settings], { stdio: 'ignore' });
    redis.#client = new Redis({ port: redis.port, host: '127.0.0.1', retryStrategy: () => 50 });
    redis.#client.on('error', () => undefined);
    const ended = once(redis.#process, 'exit').then(() => {
      throw new Error('redis-server could not be started: it has to be installed');
    });
    await Promise.race([redis.#client.ping(), ended]);
    ended.catch(() => undefined);
    return redis;
  }

  /**
   * Counters since the start: calls that applications made, bytes to and from Redis, and Redis' own processor time. A
   * script counts as one call. Redis also counts the commands inside a script, although they cross no network. Of a
   * contestant that uses scripts, those and the plain reads count (`GETEX`, which stands in no script).
   */
  async traffic() {
    const info = await this.#client.info('everything');
    const counts = { script: 0, plain: 0 };
    for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (!NOT_OF_REQUESTS.test(name)) counts[SCRIPT.test(name) ? 'script' : 'plain'] += Number(calls);
    }
    return {
      ...counts,
      bytesIn: field(info, 'total_net_input_bytes'),
      bytesOut: field(info, 'total_net_output_bytes'),
      cpuUs: cpuTimeUs(this.#process.pid),
    };
  }

  async usedBytes() {
    await delay(200);
    return field(await this.#client.info('memory'), 'used_memory');
  }

  flush() {
    return this.#client.flushall();
  }

  async stop() {
    this.#client.disconnect();
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}

const field = (info, name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
