import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  HttpStatus,
  Inject,
  type LoggerService,
  Post,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { HttpSession, RequireLogin, SessionError, SessionScoped } from 'nestjs-session-beans';
import { Latch } from '../support/latch.js';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'choice' })
class Choice {
  value = '';
}

let reading = new Latch();
let goOn = new Latch();

@Controller()
class ChoiceController {
  @Inject() private readonly choice!: Choice;
  @Inject() private readonly session!: HttpSession;

  @Post('slow') async slow(): Promise<void> {
    this.choice.value += 'slow';
    reading.open();
    await goOn.opened;
  }

  @Post('fast') fast(): void {
    this.choice.value += 'fast';
  }

  @Post('flush') async flush(): Promise<void> {
    await this.slow();
    await this.session.flush();
  }

  @RequireLogin() @Get('private') private(): string {
    return 'private';
  }
}

/** The catch-all filter of Nest's documentation. */
@Catch()
class CatchEverythingFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const context = host.switchToHttp();
    const statusCode = exception instanceof HttpException ? exception.getStatus() : HttpStatus.INTERNAL_SERVER_ERROR;
    const path: unknown = httpAdapter.getRequestUrl(context.getRequest());
    httpAdapter.reply(context.getResponse(), { statusCode, path, filter: 'everything' }, statusCode);
  }
}

interface FrameworkResponse {
  status(code: number): { send(body: object): void };
}

/** That of the documentation for one kind of errors, with the message, as many applications have it. */
@Catch(HttpException)
class HttpExceptionFilter implements ExceptionFilter {
  catch(exception: HttpException, host: ArgumentsHost): void {
    const statusCode = exception.getStatus();
    const { message } = exception;
    host.switchToHttp().getResponse<FrameworkResponse>().status(statusCode).send({ statusCode, message });
  }
}

/** As error trackers tell what they report: by the methods, since they may have another copy of Nest. */
function isExpectedBySentry(exception: object): boolean {
  return ['getStatus', 'getResponse', 'initMessage'].every(
    (name) => typeof Reflect.get(exception, name) === 'function',
  );
}

const seen: SessionError[] = [];

@Catch(SessionError)
class NotingFilter implements ExceptionFilter {
  catch(exception: SessionError, host: ArgumentsHost): void {
    seen.push(exception);
    host.switchToHttp().getResponse<FrameworkResponse>().status(exception.getStatus()).send({});
  }
}

/** Texts for operators, none of which may reach a client. */
const FOR_OPERATORS = /choice|ECONNREFUSED|@Merge|could not|counting/;

describe.each(adapters)('an expected error, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  let lines: { readonly level: string; readonly text: string }[];
  const start = async (...filters: (new (...args: never[]) => ExceptionFilter)[]): Promise<void> => {
    [reading, goOn, lines] = [new Latch(), new Latch(), []];
    const note =
      (level: string) =>
      (...args: unknown[]): void =>
        void lines.push({ level, text: args.map(String).join(' ') });
    const levels = ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'];
    const logger = Object.fromEntries(levels.map((level) => [level, note(level)])) as unknown as LoggerService;
    server = await startApplication({
      adapter,
      beans: [Choice],
      controllers: [ChoiceController],
      providers: filters.map((useClass) => ({ provide: APP_FILTER, useClass })),
      prepare: (app) => app.useLogger(logger),
    });
    client = new Client(server.app);
    await client.post('/fast');
    lines.length = 0;
  };
  beforeEach(() => void (seen.length = 0));
  afterEach(() => server.close());

  /** Two tabs change the same field: the later one is told. */
  const conflict = async (path = '/slow'): Promise<Awaited<ReturnType<Client['post']>>> => {
    const slow = client.post(path).then((response) => response);
    await reading.opened;
    await client.post('/fast');
    goOn.open();
    return slow;
  };
  const takeStoreDown = (operation: string): void => {
    server.store.before = (asked) => {
      if (asked === operation) throw new Error('connect ECONNREFUSED 10.0.0.1:6379');
    };
  };

  describe('B2 an ordinary conflict', () => {
    it.each(['/slow', '/flush'])(
      'has a code in its body, and one line in the log that is no error: %s',
      async (path) => {
        await start();
        const response = await conflict(path);
        expect([response.status, response.body]).toEqual([
          409,
          { statusCode: 409, message: 'Conflict', code: 'SESSION_CONFLICT' },
        ]);
        expect(lines).toEqual([{ level: 'debug', text: expect.stringMatching(/SESSION_CONFLICT: choice\.value /) }]);
        expect(lines[0]?.text).not.toContain('\n');
      },
    );

    it('is an HttpException with the places for filters, and expected by error trackers', async () => {
      await start(NotingFilter);
      await conflict();
      expect(seen).toEqual([expect.objectContaining({ code: 'SESSION_CONFLICT' })]);
      const [error] = seen as [SessionError];
      expect(error).toMatchObject({ conflicts: [{ bean: 'choice', field: 'value' }] });
      expect([error instanceof HttpException, isExpectedBySentry(error)]).toEqual([true, true]);
    });
  });

  it('B1 keeps its status with the catch-all filter of the documentation, and 503 its Retry-After', async () => {
    await start(CatchEverythingFilter);
    expect((await conflict()).body).toEqual({ statusCode: 409, path: '/slow', filter: 'everything' });
    expect((await client.get('/private')).body).toMatchObject({ statusCode: 401, filter: 'everything' });
    takeStoreDown('load');
    const down = await client.post('/fast');
    expect([down.status, down.body, down.get('Retry-After')]).toEqual([
      503,
      { statusCode: 503, path: '/fast', filter: 'everything' },
      '1',
    ]);
  });

  it('B1 is caught by @Catch(HttpException), and its message says nothing of the inside', async () => {
    await start(HttpExceptionFilter);
    const answers = [await conflict(), await client.get('/private')];
    takeStoreDown('load');
    answers.push(await client.post('/fast'));
    expect(answers.map(({ body }) => body as object)).toEqual([
      { statusCode: 409, message: 'the session was changed by another request' },
      { statusCode: 401, message: 'a login is required' },
      { statusCode: 503, message: 'the session store is unavailable' },
    ]);
  });

  it.each(['load', 'save'])('E9 a failed %s has a code, and one line in the log with the cause', async (operation) => {
    await start();
    takeStoreDown(operation);
    const response = await client.post('/fast');
    expect(response.body).toMatchObject({
      statusCode: 503,
      code: 'SESSION_STORE_UNAVAILABLE',
      applied: operation === 'save' ? 'unknown' : false,
    });
    expect(response.get('Retry-After')).toBe(operation === 'save' ? undefined : '1');
    expect(response.text).not.toMatch(FOR_OPERATORS);
    expect(lines).toEqual([{ level: 'error', text: expect.stringMatching(/could not \w+: connect ECONNREFUSED/) }]);
    expect(lines[0]?.text).not.toContain('\n');
  });
});
