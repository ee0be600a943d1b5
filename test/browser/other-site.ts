import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { page } from './shop.js';

/** A web site that has nothing to do with the application, and plain pages. Close it. */
export class OtherSite {
  private readonly pages: string[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      const body = this.pages[Number(new URL(request.url ?? '', 'http://other').pathname.slice(1))];
      response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(page('another site', body));
    });
  }

  static async start(): Promise<OtherSite> {
    const site = new OtherSite(createServer());
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    return site;
  }

  /** @returns the address of a page with this body */
  add(body: string): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://other.localhost:${port}/${this.pages.push(body) - 1}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
