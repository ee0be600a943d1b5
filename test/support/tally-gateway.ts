import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  Post,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import {
  CurrentSession,
  HttpSession,
  Merge,
  RequireLogin,
  SessionContext,
  SessionLock,
  SessionScoped,
  SkipSession,
  UseSession,
} from 'nestjs-session-beans';
import { sessionOf } from 'nestjs-session-beans/websockets';
import { Observable, from, map, of, tap, throwError, concat } from 'rxjs';
import { Latch } from './latch.js';
import { nestIsAtLeast } from './nest-release.js';

@SessionScoped({ name: 'tally' })
export class Tally {
  @Merge('sum') count = 0;
  note = '';
  seen: string[] = [];
}

interface Asked {
  readonly id: number;
  readonly text?: string;
}

/** Steps of handlers that tests wait for, or let go on; anew for each test. */
export const steps = { entered: new Latch(), goOn: new Latch(), connections: [] as string[] };

export function resetSteps(): void {
  Object.assign(steps, { entered: new Latch(), goOn: new Latch(), connections: [] });
}

const reply = ({ id }: Asked, value: unknown): object => ({ event: 'reply', data: { id, value } });

@Injectable()
export class SeenBy {
  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
  ) {}

  note(who: string): void {
    this.tally.seen = [...this.tally.seen, `${who}:${this.session.principal}`];
  }
}

@Injectable()
class NotingGuard implements CanActivate {
  constructor(private readonly by: SeenBy) {}

  canActivate(execution: ExecutionContext): boolean {
    this.by.note('guard');
    return execution.switchToWs().getData<Asked>().text !== 'forbidden';
  }
}

@Injectable()
class NotingInterceptor implements NestInterceptor {
  constructor(private readonly by: SeenBy) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.by.note('before');
    return next.handle().pipe(tap(() => this.by.note('after')));
  }
}

@Injectable()
class NotingPipe implements PipeTransform {
  constructor(private readonly by: SeenBy) {}

  transform(asked: Asked): Asked {
    this.by.note('pipe');
    return asked;
  }
}

/** As Nest 12 does it. Nest 11 tells clients of ws nothing. */
@Catch()
class TellingFilter extends BaseWsExceptionFilter {
  override catch(exception: Error, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<{ readyState?: number; send(text: string): void }>();
    if (nestIsAtLeast('12.0.0') || client.readyState === undefined) {
      // oxlint-disable-next-line promise/valid-params -- no promise
      super.catch(exception, host);
      return;
    }
    const told = exception instanceof WsException ? exception.getError() : 'failed';
    const data = typeof told === 'string' ? { status: 'error', message: told } : told;
    client.send(JSON.stringify({ event: 'exception', data }));
  }
}

@UseSession()
@UseFilters(TellingFilter)
@WebSocketGateway()
export class TallyGateway implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
    private readonly sessions: SessionContext,
  ) {}

  async handleConnection(client: object): Promise<void> {
    const handle = await sessionOf(client);
    // It may have ended by now, and Nest waits for no promise of this method.
    const principal = handle && (await this.sessions.run(handle, (session) => session.principal).catch(() => 'late'));
    steps.connections.push(`connected ${principal ?? 'nobody'}`);
  }

  async handleDisconnect(client: object): Promise<void> {
    steps.connections.push(`disconnected ${(await sessionOf(client)) === undefined ? 'nobody' : 'somebody'}`);
  }

  @SubscribeMessage('count')
  count(@MessageBody() asked: Asked): object {
    return reply(asked, ++this.tally.count);
  }

  @SubscribeMessage('who')
  who(@MessageBody() asked: Asked, @CurrentSession() session: HttpSession): object {
    return reply(asked, session.principal ?? 'nobody');
  }

  @SubscribeMessage('note')
  async note(@MessageBody() asked: Asked): Promise<object> {
    this.tally.note = asked.text ?? '';
    steps.entered.open();
    await steps.goOn.opened;
    this.tally.note += '!';
    return reply(asked, this.tally.note);
  }

  @SubscribeMessage('three')
  three(@MessageBody() asked: Asked): Observable<object> {
    const counts = from([1, 2, 3]).pipe(map(() => reply({ id: -1 }, ++this.tally.count)));
    const last = of(1).pipe(map(() => reply(asked, 'last')));
    return asked.text === 'fail'
      ? concat(
          counts,
          throwError(() => this.broken()),
        )
      : concat(counts, last);
  }

  @SubscribeMessage('generate')
  generate(@MessageBody() asked: Asked): Observable<object> {
    return from(this.generated(asked));
  }

  /** Has no end. */
  @SubscribeMessage('ticks')
  ticks(): Observable<object> {
    return new Observable((subscriber) => {
      const timer = setInterval(() => subscriber.next(reply({ id: -1 }, 'tick')), 5);
      return () => {
        clearInterval(timer);
        steps.goOn.open();
      };
    });
  }

  @SubscribeMessage('fail')
  fail(): never {
    this.tally.count += 100;
    throw new Error('failed');
  }

  @SubscribeMessage('login')
  login(): Promise<void> {
    return this.session.login('bob');
  }

  @SubscribeMessage('logout')
  logout(): Promise<void> {
    return this.session.logout();
  }

  @UseGuards(NotingGuard)
  @UseInterceptors(NotingInterceptor)
  @SubscribeMessage('enhanced')
  enhanced(@MessageBody(NotingPipe) asked: Asked): object {
    return reply(asked, this.tally.seen.join(' '));
  }

  @RequireLogin()
  @SubscribeMessage('mine')
  mine(@MessageBody() asked: Asked): object {
    return reply(asked, 'mine');
  }

  @SessionLock()
  @SubscribeMessage('locked')
  async locked(@MessageBody() asked: Asked): Promise<object> {
    const { note } = this.tally;
    await new Promise((resolve) => setImmediate(resolve));
    this.tally.note = `${note}x`;
    return reply(asked, this.tally.note);
  }

  @SkipSession()
  @SubscribeMessage('skip')
  skip(@MessageBody() asked: Asked): object {
    try {
      return reply(asked, this.tally.count);
    } catch (error) {
      return reply(asked, (error as Error).name);
    }
  }

  private broken(): Error {
    this.tally.count += 100;
    return new Error('broken');
  }

  private async *generated(asked: Asked): AsyncGenerator<object> {
    yield reply({ id: -1 }, ++this.tally.count);
    await steps.goOn.opened;
    yield reply(asked, ++this.tally.count);
  }
}

/** One for each connection, as Nest does it. */
@Injectable({ scope: Scope.REQUEST })
export class OfConnection {
  private calls = 0;

  constructor(
    readonly tally: Tally,
    @Inject(REQUEST) readonly client: object,
  ) {}

  call(): string {
    return `${++this.calls} ${++this.tally.count}`;
  }
}

@UseSession()
@WebSocketGateway()
export class ScopedGateway {
  constructor(private readonly ofConnection: OfConnection) {}

  @SubscribeMessage('scoped')
  scoped(@MessageBody() asked: Asked): object {
    return reply(asked, this.ofConnection.call());
  }
}

@WebSocketGateway()
export class PlainGateway {
  constructor(private readonly sessions: SessionContext) {}

  @SubscribeMessage('plain')
  plain(@MessageBody() asked: Asked, @ConnectedSocket() client: object): object {
    return reply(asked, typeof client === 'object' && this.sessions.isActive);
  }
}

@Controller()
export class TallyController {
  constructor(
    private readonly tally: Tally,
    private readonly session: HttpSession,
  ) {}

  @Get() read(): object {
    const { count, note, seen } = this.tally;
    return { count, note, seen };
  }

  @Post('count') count(): void {
    this.tally.count++;
  }

  @Post('login/:user') login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('logout') logout(): Promise<void> {
    return this.session.logout();
  }

  @Post('renew') renew(): void {
    this.session.renewId();
  }
}
