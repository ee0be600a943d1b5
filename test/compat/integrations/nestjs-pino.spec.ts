import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Logger } from '@nestjs/common';
import { HttpSession } from 'nestjs-session-beans';
import { Logger as PinoLogger, LoggerModule } from 'nestjs-pino';
import { Writable } from 'node:stream';
import { Client } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../../support/platforms.js';
import { secretOf } from '../../support/secret-of.js';

@Controller()
class ShopController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;
  private readonly logger = new Logger('Shop');

  @Get('count') count(): string {
    this.logger.log(`counted for ${this.session.handle ?? 'a new session'}`);
    return `n=${++this.counter.value}`;
  }

  @Get('login') async login(): Promise<void> {
    await this.session.login('ann');
  }
}

/** The package keeps the stream of the first application for all of a process. */
const said: string[] = [];
const stream = new Writable({
  write(line, _, done) {
    said.push(String(line));
    done();
  },
});

describe.each(adapters)('nestjs-pino, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  beforeAll(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      controllers: [ShopController],
      imports: [
        LoggerModule.forRoot({
          // Its default does not fit any request on Fastify, with or without us.
          forRoutes: ['*path'],
          pinoHttp: {
            stream,
            // As in docs/compatibility.md: pino-http logs all headers.
            redact: ['req.headers.cookie', 'res.headers["set-cookie"]'],
          },
        }),
      ],
      prepare: (app) => app.useLogger(app.get(PinoLogger)),
    });
  });
  afterEach(() => {
    server.store.before = () => undefined;
  });
  afterAll(async () => {
    await server.close();
    Logger.overrideLogger(false);
  });

  it('writes lines about requests, handlers and refusals, and no session id in them', async () => {
    said.length = 0;
    const client = new Client(server.app);
    const ids = new Set<string>();
    for (const path of ['/count', '/login', '/count']) {
      await client.get(path);
      ids.add(client.cookie.replace('sid=', ''));
    }
    server.store.before = () => {
      throw new Error('down');
    };
    expect((await client.get('/count')).status).toBe(503);

    const text = said.join('');
    for (const part of [
      '"url":"/count"',
      'counted for sh1_',
      'SESSION_STORE_UNAVAILABLE',
      '"statusCode":503',
      '[Redacted]',
    ])
      expect(text).toContain(part);
    // The lines of the handler know their request.
    expect(said.find((line) => line.includes('counted for'))).toMatch(/"req":\{"id":/);
    expect(ids.size).toBe(2);
    expect([...ids].filter((id) => text.includes(secretOf(id)))).toEqual([]);
  });
});
