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
import { HttpSession, SessionScoped } from 'nestjs-session-beans';
import { type Observable, tap } from 'rxjs';
import { Client } from '../support/client.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'list' })
class List {
  items: string[] = [];
}

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
