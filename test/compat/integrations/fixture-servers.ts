import { join } from 'node:path';
import { FixtureBuild } from '../../external/fixture-build.js';
import { ServerProcess } from '../../support/server-process.js';

/**
 * Applications of the folder `fixture` in a process of their own, for packages that jest cannot load on Node 20 (they
 * `require` Nest, which is an ES module) or that change other modules as these are loaded. Stop it.
 */
export class FixtureServers {
  private constructor(
    private readonly build: FixtureBuild,
    private readonly process: ServerProcess,
  ) {}

  /** @param environment the application, and whether something has to be loaded before it: see `fixture/main.ts` */
  static async start(environment: { APPLICATION: string; INSTRUMENT?: string }): Promise<FixtureServers> {
    const build = new FixtureBuild(join(import.meta.dirname, 'fixture'));
    try {
      return new FixtureServers(build, await ServerProcess.start(build.main, environment));
    } catch (error) {
      build.remove();
      throw error;
    }
  }

  /** The addresses of its applications, in the order in which they were started. */
  get urls(): readonly string[] {
    return this.process.url.split(',');
  }

  async stop(): Promise<void> {
    await this.process.stop();
    this.build.remove();
  }
}
