import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SessionModule, type SessionModuleOptions, type SessionOptionsFactory } from 'nestjs-session-beans';
import { Client, setCookies } from '../support/client.js';
import { CountController, Counter } from '../support/counter.js';

describe('forRootAsync()', () => {
  class Options implements SessionOptionsFactory {
    createSessionOptions(): SessionModuleOptions {
      return { nodeName: 'c7' };
    }
  }

  @Module({ providers: [{ provide: 'NODE', useValue: 'a7' }, Options], exports: ['NODE', Options] })
  class ConfigModule {}

  it.each([
    [
      'useFactory',
      'a7',
      { imports: [ConfigModule], inject: ['NODE'], useFactory: async (nodeName: string) => ({ nodeName }) },
    ],
    ['useClass', 'c7', { useClass: Options }],
    ['useExisting', 'c7', { imports: [ConfigModule], useExisting: Options }],
  ])('takes its options from %s', async (_, nodeName, options) => {
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRootAsync(options), SessionModule.forFeature([Counter])],
      controllers: [CountController],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const response = await new Client(app).get('/');
    expect(setCookies(response)[0]).toMatch(new RegExp(`^sid=[\\w-]{65}\\.${nodeName};`));
    await app.close();
  });
});
