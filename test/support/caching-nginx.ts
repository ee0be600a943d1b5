import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BalancerProcess } from './balancer.js';
import { mainFile } from './nginx.js';

/** A header of responses that forbids a cache to store them, or to give them to everybody. */
export type CacheRule = 'Vary' | 'Set-Cookie';

/**
 * nginx with a cache in front of one server. It stores all that may be stored, also where nothing says for how long.
 * Its answers say with `X-Cache` whether they come from the cache: `HIT`. Stop it.
 */
export class CachingNginx {
  private constructor(private readonly process: BalancerProcess) {}

  /**
   * @param address of the server, `host:port`
   * @param ignored headers of the server that it does not look at
   */
  static async start(address: string, ignored: readonly CacheRule[]): Promise<CachingNginx> {
    const started = await BalancerProcess.start((directory, port) => {
      mkdirSync(join(directory, 'conf.d'));
      writeFileSync(join(directory, 'nginx.conf'), mainFile(directory));
      writeFileSync(join(directory, 'conf.d/cache.conf'), cacheFile(directory, port, address, ignored));
      return { command: 'nginx', args: ['-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')] };
    });
    return new CachingNginx(started);
  }

  get url(): string {
    return `http://127.0.0.1:${this.process.port}`;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}

function cacheFile(directory: string, port: number, address: string, ignored: readonly CacheRule[]): string {
  return `proxy_cache_path ${directory}/cache keys_zone=pages:1m;
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://${address};
    proxy_http_version 1.1;
    proxy_cache pages;
    proxy_cache_valid any 10m;
    ${ignored.length === 0 ? '' : `proxy_ignore_headers ${ignored.join(' ')};`}
    add_header X-Cache $upstream_cache_status always;
  }
}
`;
}
