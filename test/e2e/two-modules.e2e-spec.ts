import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { platforms, startApplication } from '../support/platforms.js';
import { CountController, Counter } from '../support/counter.js';

@Controller('other')
class OtherController {
  constructor(private readonly counter: Counter) {}

  @Get()
  count(): number {
    return ++this.counter.value;
  }
}

describe.each(platforms)('one bean in two feature modules, $adapter, $mode,', ({ adapter, scope }) => {
  it('is one instance per session', async () => {
    const imports = [CountController, OtherController].map((controller) => {
      @Module({ imports: [SessionModule.forFeature([Counter], { scope })], controllers: [controller] })
      class FeatureModule {}
      return FeatureModule;
    });
    const server = await startApplication({ adapter, imports });
    const client = new Client(server.app);
    expect(await client.text('/')).toBe('1');
    expect(await client.text('/other')).toBe('2');
    await server.close();
  });
});
