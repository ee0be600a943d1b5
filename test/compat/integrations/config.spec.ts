import { describe, expect, it } from '@jest/globals';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { SessionModule } from 'nestjs-session-beans';
import { Client, setCookies } from '../../support/client.js';
import { CountController, Counter } from '../../support/counter.js';

describe('ConfigService of @nestjs/config, in forRootAsync()', () => {
  const compile = (environment: Record<string, unknown>) =>
    Test.createTestingModule({
      imports: [
        SessionModule.forRootAsync({
          imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => environment] })],
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            nodeName: config.getOrThrow<string>('NODE'),
            idleTimeoutMs: config.get<number>('IDLE_MS'),
          }),
        }),
        SessionModule.forFeature([Counter]),
      ],
      controllers: [CountController],
    }).compile();

  it('gives the options; what is not set has its default', async () => {
    const app = (await compile({ NODE: 'a7' })).createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const client = new Client(app);
    expect(setCookies(await client.get('/'))[0]).toMatch(/^sid=[\w-]{65}\.a7;/);
    expect(await client.text('/')).toBe('2');
    await app.close();
  });

  it('a number that is still a text, as in the environment, is refused at boot', async () => {
    await expect(compile({ NODE: 'a7', IDLE_MS: '60000' })).rejects.toThrow(
      /idleTimeoutMs = "60000": allowed is a whole number/,
    );
  });
});
