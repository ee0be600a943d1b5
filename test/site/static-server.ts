import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Serves the files of a folder, and nothing cleverer: as the plainest host of a site does. */
export class StaticServer {
  /** The paths that were asked for and do not exist. */
  readonly missing: string[] = [];

  private constructor(private readonly server: Server) {}

  static async of(folder: string): Promise<StaticServer> {
    const server = createServer(({ url = '/' }, response) => {
      const { pathname } = new URL(url, 'http://site.example');
      const path = decodeURIComponent(pathname).replace(/\/$/, '/index.html');
      const file = join(folder, path);
      if (!existsSync(file)) {
        serving.missing.push(path);
        return response.writeHead(404).end();
      }
      return response
        .setHeader('content-type', TYPES[extname(path)] ?? 'text/plain; charset=utf-8')
        .end(readFileSync(file));
    });
    const serving = new StaticServer(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return serving;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
