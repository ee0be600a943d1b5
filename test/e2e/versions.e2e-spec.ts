import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, VERSION_NEUTRAL, Version, VersioningType } from '@nestjs/common';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

/** Version 1 knew no session yet. */
@Controller('visits')
class FirstController {
  @Version('1') @Get() visit(): string {
    return 'hello';
  }
}

@Controller('visits')
class SecondController {
  @Inject() private readonly counter!: Counter;

  @Version('2') @Get() visit(): string {
    return `n=${++this.counter.value}`;
  }
}

/** Without the prefix, and for all versions. */
@Controller({ path: 'about', version: VERSION_NEUTRAL })
class AboutController {
  @Inject() private readonly counter!: Counter;

  @Get() about(): string {
    return `seen ${this.counter.value}`;
  }
}

const ways = [
  { way: 'in the address', options: { type: VersioningType.URI }, of: (n: number) => [`/api/v${n}/visits`, {}] },
  {
    way: 'in a header',
    options: { type: VersioningType.HEADER, header: 'X-Version' },
    of: (n: number) => ['/api/visits', { 'X-Version': `${n}` }],
  },
  {
    way: 'in the media type',
    options: { type: VersioningType.MEDIA_TYPE, key: 'v=' },
    of: (n: number) => ['/api/visits', { Accept: `text/plain;v=${n}` }],
  },
  {
    way: 'by a function',
    options: { type: VersioningType.CUSTOM, extractor: (request: unknown) => versionIn(request) },
    of: (n: number) => [`/api/visits?v=${n}`, {}],
  },
] as const;

function versionIn(request: unknown): string {
  return new URL((request as { url: string }).url, 'http://localhost').searchParams.get('v') ?? '';
}

describe.each(ways.flatMap((way) => adapters.map((adapter) => ({ ...way, ...adapter }))))(
  'versions $way, a prefix that leaves out some routes, $adapter',
  ({ adapter, options, of }) => {
    let server: TestApplication;
    beforeAll(async () => {
      server = await startApplication({
        adapter,
        beans: [Counter],
        controllers: [FirstController, SecondController, AboutController],
        prepare(app) {
          app.setGlobalPrefix('api', { exclude: ['about'] });
          app.enableVersioning(options);
        },
      });
    });
    afterAll(() => server.close());

    it('the version that needs the session has it, the other loads none', async () => {
      const client = new Client(server.app);
      const visit = (version: number) => client.get(...(of(version) as [string, Record<string, string>]));
      expect([(await visit(2)).text, (await visit(2)).text]).toEqual(['n=1', 'n=2']);
      server.store.reset();
      const first = await visit(1);
      expect([first.text, setCookies(first)]).toEqual(['hello', []]);
      expect(server.store.total).toBe(0);
      expect(await client.text('/about')).toBe('seen 2');
    });
  },
);
