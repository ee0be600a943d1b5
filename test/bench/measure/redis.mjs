import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LOAD_CORE } from './cores.mjs';
import { cpuTimeUs } from './cpu-time.mjs';
import { freePort } from './free-port.mjs';

/** What servers send by themselves, whether or not anybody asks them. */
const NOT_OF_REQUESTS =
  /^(?:info|ping|hello|auth|client|config|command|select|script|function|flushall|dbsize|memory|subscribe|publish)/;
const SCRIPT = /^(?:eval|fcall)/;

/** A redis-server of the benchmark's own, beside the load, without persistence. Stop it. */
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
   * Counters since the start: calls that applications made, bytes to and from Redis, and its own time on a processor. A script is one call: the
   * commands inside it are counted by Redis like any other, but travel nowhere. (Who uses scripts here uses nothing else.)
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
