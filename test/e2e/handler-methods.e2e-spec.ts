import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type NestInterceptor,
  SetMetadata,
  StreamableFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { SessionScoped } from 'nestjs-session-beans';
import { finalize, of } from 'rxjs';
import { Client } from '../support/client.js';
import { adapters, platforms, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'notes' })
class Notes {
  lines: unknown[] = [];
}

class MarkedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return Reflect.getMetadata('marked', context.getHandler()) === 'yes' && context.getHandler().name === 'marked';
  }
}

let body: Readable | undefined;

@Controller()
class NotesController {
  constructor(private readonly notes: Notes) {}

  @Get() read(): unknown[] {
    return this.notes.lines;
  }

  @Get('line') line(): number {
    return this.notes.lines.push('a line');
  }

  @Get('lines') async lines(): Promise<number> {
    // Another handler, which stores nothing by itself.
    this.line();
    await new Promise(setImmediate);
    this.notes.lines.push('a line');
    if (this.notes.lines.length > 2) throw new Error('too many lines');
    return this.notes.lines.length;
  }

  @Get('marked')
  @SetMetadata('marked', 'yes')
  @UseGuards(MarkedGuard)
  marked(): string {
    return 'marked';
  }

  @Get('later') async later(): Promise<unknown> {
    this.line();
    return of('a', 'b').pipe(finalize(() => this.notes.lines.push('at the end')));
  }
}

@Controller()
class FileController {
  constructor(private readonly notes: Notes) {}

  @Get() unstorable(): StreamableFile {
    this.notes.lines.push(() => 'a function');
    body = Readable.from(['never sent']);
    return new StreamableFile(body);
  }
}

class AfterwardsInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    return next.handle();
  }
}

/** Frozen, so that nothing can take the place of its methods. */
@Controller('frozen')
class FrozenController {
  constructor(private readonly notes: Notes) {
    Object.freeze(this);
  }

  @Get() line(): number {
    return this.notes.lines.push('a line');
  }
}

@Controller('intercepted')
class InterceptedController {
  constructor(private readonly notes: Notes) {}

  @Get()
  @UseInterceptors(AfterwardsInterceptor)
  line(): number {
    return this.notes.lines.push('a line');
  }
}

describe.each(platforms)('handlers of a controller, $adapter, $mode,', ({ adapter, scope }) => {
  const start = () =>
    startApplication({
      adapter,
      scope,
      beans: [Notes],
      controllers: [NotesController, FrozenController, InterceptedController],
    });

  it('are stored once and whole, also when they call each other', async () => {
    const application = await start();
    const { store } = application;
    const client = new Client(application.app);
    expect(await client.text('/lines')).toBe('2');
    expect(store.calls.save).toBe(1);
    const failed = await client.get('/line').then(() => client.get('/lines'));
    expect(failed.status).toBe(500);
    await application.close();
  });

  it('are what decorators said of them', async () => {
    const application = await start();
    expect(await new Client(application.app).text('/marked')).toBe('marked');
    await application.close();
  });

  it('may answer with an Observable, whose last value is the answer', async () => {
    const application = await start();
    const client = new Client(application.app);
    expect(await client.text('/later')).toBe('b');
    expect(await client.text('/')).toContain('a line');
    await application.close();
  });

  it.each(['frozen', 'intercepted'])('are stored before the answer, %s', async (path) => {
    const application = await start();
    const { store } = application;
    const client = new Client(application.app);
    expect(await client.text(`/${path}`)).toBe('1');
    expect(await client.text(`/${path}`)).toBe('2');
    expect(store.calls.save).toBe(2);
    await application.close();
  });
});

// From version 12 on Nest does so itself where there is an interceptor.
describe.each(adapters)('a handler without interceptors, $adapter,', ({ adapter }) => {
  it('leaves no open stream when its answer is replaced', async () => {
    const application = await startApplication({ adapter, beans: [Notes], controllers: [FileController] });
    const response = await new Client(application.app).get('/');
    await application.close();
    expect(response.status).toBe(500);
    expect(body?.destroyed).toBe(true);
  });
});
