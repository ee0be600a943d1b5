import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Inject,
  type HttpServer,
  Sse,
  UseFilters,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CurrentSession, HttpSession, SessionScoped } from 'nestjs-session-beans';
import { type Observable, of } from 'rxjs';
import { Client } from '../support/client.js';
import { adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'notes' })
class Notes {
  lines: unknown[] = [];
}

/**
 * Puts another function in the place of the handler, as decorators do that trace, cache, retry or open a transaction.
 */
function Traced(): MethodDecorator {
  return (_target, _key, descriptor: PropertyDescriptor) => {
    const original = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return Reflect.apply(original, this, args);
    };
  };
}

@Catch()
class TeapotFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: Error, host: ArgumentsHost): void {
    const adapter = this.host.httpAdapter as unknown as HttpServer;
    adapter.reply(host.switchToHttp().getResponse(), error.name, 418);
  }
}

@Controller('parameter')
class ParameterController {
  @Get()
  @Traced()
  read(@CurrentSession() session: HttpSession): string {
    session.set('a', 1);
    return String(session.get('a'));
  }
}

@Controller('bean')
class BeanController {
  constructor(private readonly notes: Notes) {}

  @Get()
  @UseFilters(TeapotFilter)
  @Traced()
  unstorable(): string {
    this.notes.lines.push(() => 'a function');
    return 'stored';
  }
}

class PlainBase {
  @Inject() protected readonly notes!: Notes;

  @Get('x') x(): unknown {
    return 'base';
  }
}

@Controller('stream')
class StreamController extends PlainBase {
  @Sse('x') override x(): Observable<unknown> {
    return of({ data: `${this.notes.lines.length} lines` });
  }
}

describe.each(adapters)('a handler that is not the method that was written, $adapter', ({ adapter }) => {
  const start = (): ReturnType<typeof startApplication> =>
    startApplication({
      adapter,
      beans: [Notes],
      controllers: [ParameterController, BeanController, StreamController],
      providers: [TeapotFilter],
    });

  it('gets its session as a parameter, behind a decorator that has replaced it', async () => {
    const application = await start();
    const { status, text } = await new Client(application.app).get('/parameter');
    await application.close();

    expect([status, text]).toEqual([200, '1']);
  });

  it('is committed before its filters, behind a decorator that has replaced it', async () => {
    const application = await start();
    const { status, text } = await new Client(application.app).get('/bean');
    await application.close();

    expect([status, text]).toEqual([418, 'SessionStateError']);
  });

  it('streams its events when it overrides one that answers once', async () => {
    const application = await start();
    const text = await new Client(application.app).text('/stream/x');
    await application.close();

    expect(text).toContain('data: 0 lines');
  });
});
