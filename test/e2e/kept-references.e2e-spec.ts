import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { HttpSession, MemorySessionStore, ReadOnlySession, SessionScoped } from 'nestjs-session-beans';
import { type Observable, tap } from 'rxjs';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'list' })
class List {
  items: string[] = [];
  reads = 0;

  /** Keeps the instance itself, where the code around it has a client proxy. */
  lateAdder(): () => void {
    return () => void (this.items = [...this.items, 'late']);
  }
}

/** What the code of a request goes on to do after its response. */
let afterwards: () => void = () => undefined;

@Controller()
class ListController {
  constructor(
    private readonly list: List,
    private readonly session: HttpSession,
  ) {}

  @Get('flush') async flush(): Promise<string> {
    const { items } = this.list;
    items.push('before');
    await this.session.flush();
    items.push('after');
    return 'ok';
  }

  @Get('items') items(): string {
    return this.list.items.join();
  }

  @Get('keep/part') keepPart(): string {
    const { items } = this.list;
    afterwards = () => void items.push('late');
    return 'kept';
  }

  @Get('keep/bean') keepBean(): string {
    afterwards = this.list.lateAdder();
    return 'kept';
  }

  @Get('keep/bean-read-only') @ReadOnlySession() keepInReadOnly(): string {
    return this.keepBean();
  }

  @Get('beside') beside(): string {
    this.list.reads++;
    afterwards();
    return this.list.items.join();
  }
}

@Injectable()
class Outer implements NestInterceptor {
  constructor(private readonly list: List) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { items } = this.list;
    return next.handle().pipe(tap(() => execution.getHandler().name === 'flush' && items.push('outer')));
  }
}

describe.each(platforms)('a part of a bean that code holds on to, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  beforeEach(async () => {
    server = await startApplication({
      adapter,
      scope,
      beans: [List],
      controllers: [ListController],
      providers: [{ provide: APP_INTERCEPTOR, useClass: Outer, scope }],
    });
  });
  afterEach(() => server.close());

  it('is stored with what it holds at the end, also after a flush and by an outer interceptor', async () => {
    const client = new Client(server.app);
    expect(await client.text('/flush')).toBe('ok');
    expect(await client.text('/items')).toBe('before,after,outer');
  });
});

describe.each(platforms)('code that goes on after its response, $adapter, $mode,', ({ adapter, scope }) => {
  let server: TestApplication;
  beforeEach(async () => {
    server = await startApplication({
      adapter,
      scope,
      beans: [List],
      controllers: [ListController],
      // The session stays in memory after its requests.
      store: new CountingStore(new MemorySessionStore(), { shared: true }),
      session: { nearCache: { mode: 'validate' } },
    });
  });
  afterEach(() => server.close());

  it.each(['/keep/part', '/keep/bean', '/keep/bean-read-only'])(
    'changes nothing that a later request sees or stores, while that runs (%s)',
    async (keep) => {
      const client = new Client(server.app);
      await client.text('/flush');
      expect(await client.text(keep)).toBe('kept');
      for (const path of ['/beside', '/items', '/beside', '/items'])
        expect(await client.text(path)).toBe('before,after');
    },
  );
});
