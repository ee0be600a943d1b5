import { request } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Header,
  Logger,
  Post,
  Req,
  Res,
  Scope,
  UnauthorizedException,
  UseFilters,
} from '@nestjs/common';
import {
  type AdmissionOptions,
  HttpSession,
  MemorySessionStore,
  SessionEvents,
  SessionScoped,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import type { Response } from 'supertest';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { Client, setCookies } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import { type BeanScope, type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { reportedRisks } from '../support/reported-risks.js';

@SessionScoped({ name: 'visits' })
class Visits {
  count = 0;
}

/** The part of the responses of Express and Fastify that is used here. */
interface FrameworkResponse {
  status(code: number): { send(body: object): unknown };
}

let entered = new Latch();
let flushed = new Latch();

/** Errors that reached the application's filters. */
let caught: Error[] = [];

/** Writes to the session, and answers as if nothing had happened. */
@Catch(UnauthorizedException)
class WritingFilter implements ExceptionFilter {
  constructor(private readonly visits: Visits) {}

  catch(_: UnauthorizedException, host: ArgumentsHost): void {
    this.visits.count++;
    host.switchToHttp().getResponse<FrameworkResponse>().status(200).send({});
  }
}

@Catch()
class NotingFilter implements ExceptionFilter {
  catch(error: Error & { readonly status: number }, host: ArgumentsHost): void {
    caught.push(error);
    host.switchToHttp().getResponse<FrameworkResponse>().status(error.status).send({});
  }
}

@Controller()
class VisitController {
  constructor(
    private readonly visits: Visits,
    private readonly session: HttpSession,
  ) {}

  @Get()
  see(): object {
    const { principal = 'nobody', exists } = this.session;
    return { principal, exists, visits: this.visits.count };
  }

  @Post('bean')
  bean(): void {
    this.visits.count++;
  }

  @Post('attribute')
  attribute(): void {
    this.session.set('note', 'hello');
  }

  @Post('start')
  start(): void {
    this.session.start();
  }

  @Post('renew')
  renew(): void {
    this.session.renewId();
  }

  @Post('flush')
  async flush(): Promise<void> {
    this.visits.count++;
    await this.session.flush();
  }

  @Post('exclusive')
  async exclusive(): Promise<void> {
    await this.session.runExclusive(() => this.visits.count++);
  }

  @Post('send')
  send(@Res() response: FrameworkResponse): void {
    this.visits.count++;
    response.status(200).send({});
  }

  @Post('filter')
  @UseFilters(WritingFilter)
  filter(): never {
    throw new UnauthorizedException();
  }

  @Post('begin-anew')
  async beginAnew(): Promise<void> {
    await this.session.invalidate();
    this.session.set('note', 'bye');
  }

  @Post('noted')
  @UseFilters(NotingFilter)
  noted(): void {
    this.visits.count++;
  }

  @Post('polite')
  @UseFilters(NotingFilter)
  @Header('Retry-After', '77')
  polite(): void {
    this.visits.count++;
  }

  @Post('fail')
  fail(): never {
    this.visits.count++;
    throw new UnauthorizedException();
  }

  /** Is refused, and looks at what is left. */
  @Post('refused')
  async refused(): Promise<object> {
    this.session.start();
    this.visits.count++;
    const error = await this.session.flush().catch((problem: Error) => problem.name);
    const { handle = 'none', exists, isNew } = this.session;
    return { error, handle, exists, isNew, visits: this.visits.count };
  }

  /** Goes on when its client has left. */
  @Post('leave')
  async leave(@Req() { socket }: { readonly socket: Socket }): Promise<void> {
    entered.open();
    await eventually('the client has left', () => socket.destroyed);
    this.visits.count++;
    await this.session.flush().catch(() => undefined);
    flushed.open();
  }

  @Post('login')
  login(): Promise<void> {
    return this.session.login('ann');
  }

  @Post('login-after-changes')
  loginAfterChanges(): Promise<void> {
    this.visits.count++;
    this.session.start();
    return this.session.login('ann');
  }

  @Post('login-in-exclusive-work')
  loginInExclusiveWork(): Promise<void> {
    this.visits.count++;
    return this.session.runExclusive(() => this.session.login('ann'));
  }

  @Post('login-after-refusal')
  async loginAfterRefusal(): Promise<void> {
    await this.refused();
    await this.session.login('ann');
  }

  @Post('login-that-fails')
  async loginThatFails(): Promise<never> {
    this.visits.count++;
    await this.session.login('ann');
    throw new UnauthorizedException();
  }
}

/** All ways in which a request without a session starts one. */
const STARTS = ['bean', 'attribute', 'start', 'renew', 'flush', 'exclusive', 'send', 'filter', 'begin-anew'] as const;

const LOGINS = ['login', 'login-after-changes', 'login-in-exclusive-work', 'login-after-refusal'] as const;

describe.each(adapters)('C2 admission, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let clock: ManualClock;
  let reasons: string[];
  let isAdmitted: boolean;
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  async function start(
    admission: AdmissionOptions | undefined,
    more: { scope?: BeanScope; trustProxy?: string; shared?: boolean } = {},
  ): Promise<void> {
    clock = new ManualClock();
    [reasons, caught, isAdmitted] = [[], [], false];
    const memory = new MemorySessionStore({ clock });
    const store = new CountingStore(
      memory,
      more.shared ? Object.assign(Object.create(memory), { shared: true }) : memory,
    );
    const session = { clock, admission };
    server = await startApplication({
      adapter,
      beans: [Visits],
      controllers: [VisitController],
      session,
      store,
      ...more,
    });
    server.app.get(SessionEvents).on('admissionRefused', ({ reason }) => reasons.push(reason));
  }
  const newClient = () => new Client(server.app);
  const see = async (client: Client) => (await client.get('/')).body as unknown;
  const status = async (response: Promise<Response>) => (await response).status;
  /** Of requests that come at the same time, each from a client without a cookie; the lowest first. */
  const statusesOf = async (count: number) => {
    const answers = await Promise.all(Array.from({ length: count }, () => status(newClient().post('/bean'))));
    return answers.toSorted((one, other) => one - other);
  };

  describe.each([Scope.DEFAULT, Scope.REQUEST] as const)('with beans in scope %s,', (scope) => {
    it.each(STARTS)(
      'refuses a session that begins with /%s: nothing is stored, and no cookie is sent',
      async (path) => {
        await start({ admit: () => isAdmitted }, { scope });

        const refused = await newClient().post(`/${path}`);

        expect([refused.status, refused.get('Retry-After'), setCookies(refused)]).toEqual([429, '1', []]);
        expect(server.store.total).toBe(0);
        expect(reasons).toEqual(['hook']);
      },
    );
  });

  it.each(STARTS)('lets a session begin with /%s when it is admitted', async (path) => {
    await start({ admit: async () => isAdmitted });
    isAdmitted = true;
    const admitted = await newClient().post(`/${path}`);
    expect([admitted.status < 300, setCookies(admitted).length, reasons]).toEqual([true, 1, []]);
  });

  it('refuses a client whose session is over, before the store is asked about its id', async () => {
    await start({ admit: () => isAdmitted }, { shared: true });
    isAdmitted = true;
    const client = newClient();
    await client.post('/bean');
    isAdmitted = false;
    expect(await status(client.post('/begin-anew'))).toBe(429);

    client.cookie = `sid=${generateSessionId()}`;
    server.store.reset();
    await client.get('/');
    // When the request begins, and for the removal of the cookie.
    const { load } = server.store.calls;
    client.cookie = `sid=${generateSessionId()}`;
    server.store.reset();
    expect(await status(client.post('/bean'))).toBe(429);
    expect(server.store.calls).toMatchObject({ load, save: 0 });
  });

  it('asks nothing about requests that start no session, or that have one', async () => {
    let asked = 0;
    await start({ admit: () => ++asked > 0 });
    const client = newClient();
    expect(await see(client)).toEqual({ principal: 'nobody', exists: false, visits: 0 });
    expect(asked).toBe(0);
    await client.post('/bean');
    expect(asked).toBe(1);
    for (const path of ['bean', 'renew', 'flush', 'exclusive', 'start', 'login', 'login', 'bean'])
      expect([path, await status(client.post(`/${path}`))]).toEqual([path, 201]);
    expect(asked).toBe(1);
    expect(await see(client)).toEqual({ principal: 'ann', exists: true, visits: 5 });
  });

  it.each(LOGINS)('never refuses /%s', async (path) => {
    await start({ perClientPerSecond: 1, admit: () => false });
    await newClient().post('/bean');
    const client = newClient();
    const answer = await client.post(`/${path}`);
    expect([answer.status, setCookies(answer).length]).toEqual([201, 1]);
    expect(await see(client)).toMatchObject({ principal: 'ann', exists: true });
  });

  it('lets a login fail as it would without it, and stores nothing of that', async () => {
    await start({ admit: () => isAdmitted });
    const failed = await newClient().post('/login-that-fails');
    expect([failed.status, failed.get('Retry-After'), setCookies(failed)]).toEqual([401, undefined, []]);
    expect(server.store.total).toBe(0);
  });

  it('leaves a failed response as it is when what it changed is refused', async () => {
    await start({ admit: () => isAdmitted });
    expect(await status(newClient().post('/fail'))).toBe(401);
    expect([server.store.total, reasons]).toEqual([0, ['hook']]);
  });

  it('leaves nothing of what was refused: no handle, no changes', async () => {
    await start({ admit: () => isAdmitted });
    const { body } = await newClient().post('/refused');
    const nothing = { handle: 'none', exists: false, isNew: false, visits: 0 };
    expect(body).toEqual({ error: 'SessionNotAdmittedError', ...nothing });
  });

  describe('admit', () => {
    it('tells when to come again, in whole seconds, unless the application says it itself', async () => {
      await start({ admit: async () => ({ retryAfterMs: 2_001 }) });
      expect((await newClient().post('/bean')).get('Retry-After')).toBe('3');
      expect((await newClient().post('/send')).get('Retry-After')).toBe('3');
      expect((await newClient().post('/noted')).get('Retry-After')).toBe('3');
      expect((await newClient().post('/polite')).get('Retry-After')).toBe('77');
      expect(caught).toEqual([
        expect.objectContaining({ code: 'SESSION_NOT_ADMITTED', status: 429, reason: 'hook', retryAfterMs: 2_001 }),
        expect.anything(),
      ]);
    });

    it('gets the request of the framework', async () => {
      const asked: unknown[] = [];
      await start({
        admit: ({ ip, url }: { readonly ip: string; readonly url: string }) => asked.push([ip, url]) > 0,
      });
      await newClient().post('/bean?colour=blue');
      expect(asked).toEqual([['127.0.0.1', '/bean?colour=blue']]);
    });

    it.each<[string, () => unknown, string]>([
      [
        'throws',
        () => {
          throw new Error('out of order');
        },
        'admit threw: out of order',
      ],
      ['rejects', () => Promise.reject(new Error('out of order')), 'admit threw: out of order'],
      ['returns nothing', () => undefined, 'admit returned a value of type undefined: allowed is true, false or {'],
      ['returns null', () => null, 'admit returned null: allowed is'],
      ['returns a number', () => 1, 'admit returned a value of type number: allowed is'],
      ['promises a text', () => Promise.resolve('yes'), 'admit returned a value of type string: allowed is'],
      ['returns no time', () => ({}), 'admit returned a value of type object: allowed is'],
      ['returns a time before now', () => ({ retryAfterMs: -1 }), 'admit returned a value of type object: allowed is'],
      ['returns no number', () => ({ retryAfterMs: NaN }), 'admit returned a value of type object: allowed is'],
      ['returns an end of time', () => ({ retryAfterMs: Infinity }), 'admit returned a value of type object: allowed'],
    ])('that %s is an error that names the option, and nothing is stored', async (_, admit, message) => {
      await start({ admit: admit as () => boolean });
      const failed = await newClient().post('/noted');
      expect([failed.status, setCookies(failed), server.store.total, reasons]).toEqual([500, [], 0, []]);
      expect(caught.map((error) => error.message)).toEqual([
        expect.stringContaining(`SessionModule option admission.${message}`),
      ]);
      expect(await status(newClient().post('/login'))).toBe(201);
    });
  });

  describe('perClientPerSecond', () => {
    it('lets one client start so many sessions in a second, and its others wait for the next one', async () => {
      await start({ perClientPerSecond: 2 });
      const statuses = () => statusesOf(3);
      expect(await statuses()).toEqual([201, 201, 429]);
      clock.advance(999);
      expect(await statuses()).toEqual([429, 429, 429]);
      clock.advance(1);
      expect(await statuses()).toEqual([201, 201, 429]);
      expect(new Set(reasons)).toEqual(new Set(['rate']));
    });

    it('asks admit only about those that it lets pass', async () => {
      let asked = 0;
      await start({ perClientPerSecond: 1, admit: () => ++asked > 0 });
      await newClient().post('/bean');
      expect(await status(newClient().post('/bean'))).toBe(429);
      expect(asked).toBe(1);
    });

    it('counts clients by what clientOf gives, whatever the headers', async () => {
      await start({
        perClientPerSecond: 1,
        clientOf: ({ headers }: { readonly headers: Record<string, string> }) => headers['x-forwarded-for'] ?? 'none',
      });
      const from = (address: string) =>
        status(Promise.resolve(newClient().agent.post('/bean').set('X-Forwarded-For', address)));
      expect(await from('192.0.2.1')).toBe(201);
      expect(await from('192.0.2.1')).toBe(429);
      expect(await from('192.0.2.2')).toBe(201);
      expect(await from('2001:db8::1')).toBe(201);
      expect(await from('2001:db8::2')).toBe(429);
    });

    it.each<[string, () => unknown, string]>([
      [
        'throws',
        () => {
          throw new Error('out of order');
        },
        'clientOf threw: out of order',
      ],
      // A rejection that nobody handles would end the process.
      [
        'rejects',
        () => Promise.reject(new Error('out of order')),
        'clientOf returned a value of type object: allowed is',
      ],
      [
        'returns nothing',
        () => undefined,
        'clientOf returned a value of type undefined: allowed is a text that is not',
      ],
      ['returns an empty text', () => '', 'clientOf returned an empty text: allowed is'],
      ['returns a number', () => 5, 'clientOf returned a value of type number: allowed is'],
    ])('is not counted when clientOf %s: an error names the option', async (_, clientOf, message) => {
      await start({ perClientPerSecond: 5, clientOf: clientOf as () => string });
      const failed = await newClient().post('/noted');
      expect([failed.status, setCookies(failed), server.store.total]).toEqual([500, [], 0]);
      expect(caught.map((error) => error.message)).toEqual([
        expect.stringContaining(`SessionModule option admission.${message}`),
      ]);
    });

    it.each([
      ['X-Forwarded-For', '192.0.2.1'],
      ['Forwarded', 'for=192.0.2.1;proto=https'],
      ['X-Real-IP', '192.0.2.1'],
      ['CF-Connecting-IP', '192.0.2.1'],
      ['Via', '1.1 proxy'],
    ])('locks nobody out behind a proxy that is not trusted (%s), and warns once', async (name, value) => {
      const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      await start({ perClientPerSecond: 1 });
      const post = () => status(Promise.resolve(newClient().agent.post('/bean').set(name, value)));
      expect([await post(), await post(), await post()]).toEqual([201, 201, 201]);
      const warnings = reportedRisks(warned).filter((text) => text.includes('admission'));
      expect(warnings).toEqual([expect.stringMatching(/not trust.*trust proxy.*trustProxy.*admission\.clientOf\.$/)]);
      // Those who come without a proxy are counted.
      expect(await status(newClient().post('/bean'))).toBe(201);
      expect(await status(newClient().post('/bean'))).toBe(429);
    });

    it('counts those who leave before their session starts, when nobody knows their address any more', async () => {
      await start({ perClientPerSecond: 1 });
      for (let i = 0; i < 3; i++) {
        [entered, flushed] = [new Latch(), new Latch()];
        const sent = request(`${server.url}/leave`, { method: 'POST', headers: { 'X-Forwarded-For': '192.0.2.1' } });
        sent.on('error', () => undefined).end();
        await entered.opened;
        sent.destroy();
        await flushed.opened;
      }
      expect([server.store.calls.save, reasons]).toEqual([1, ['rate', 'rate']]);
    });

    it('counts the clients behind a proxy that is trusted', async () => {
      const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      await start({ perClientPerSecond: 1 }, { trustProxy: 'loopback' });
      const from = (address: string) =>
        status(
          Promise.resolve(newClient().agent.post('/bean').set('X-Forwarded-For', address).set('Via', '1.1 proxy')),
        );
      expect(await from('203.0.113.1')).toBe(201);
      expect(await from('203.0.113.1')).toBe(429);
      // What a client says itself stands before what the proxy adds.
      expect(await from('198.51.100.7, 203.0.113.1')).toBe(429);
      expect(await from('203.0.113.2')).toBe(201);
      expect(reportedRisks(warned).filter((text) => text.includes('admission'))).toEqual([]);
    });
  });

  it('is off unless it is asked for', async () => {
    await start(undefined);
    expect(new Set(await statusesOf(50))).toEqual(new Set([201]));
  });
});
