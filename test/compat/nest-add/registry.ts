import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry on loopback that has one package of ours, as if it were published. All else it sends to npm's own. */
export class Registry {
  private readonly server: Server;
  private readonly manifest: { readonly name: string; readonly version: string };
  private readonly content: Buffer;

  private constructor(tarball: string) {
    this.content = readFileSync(tarball);
    const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' });
    this.manifest = JSON.parse(manifest) as Registry['manifest'];
    const elsewhere = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
    this.server = createServer(({ url = '/' }, response) => {
      if (url === `/${this.manifest.name}`) this.sendVersions(response);
      else if (url === `/${this.manifest.name}.tgz`) response.end(this.content);
      else response.writeHead(307, { location: new URL(`.${url}`, elsewhere).href }).end();
    });
  }

  static async with(tarball: string): Promise<Registry> {
    const registry = new Registry(tarball);
    await once(registry.server.listen(0, '127.0.0.1'), 'listening');
    return registry;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private sendVersions(response: ServerResponse): void {
    const { name, version } = this.manifest;
    const integrity = `sha512-${createHash('sha512').update(this.content).digest('base64')}`;
    const dist = { tarball: `${this.address}${name}.tgz`, integrity };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { ...this.manifest, dist } } }),
    );
  }
}
