import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Post, Res, UnauthorizedException, UseInterceptors, Catch } from '@nestjs/common';
import { HttpSession, SessionEvents, SessionScoped } from 'nestjs-session-beans';
import { mergeMap, map } from 'rxjs';
import { Client, setCookies } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { RawClient } from '../support/raw-client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter { value = 0; }

@Injectable()
class Late { intercept(_: any, next: any) { return next.handle().pipe(map(() => { throw new UnauthorizedException(); })); } }
@Injectable()
class LateStatus { intercept(c: any, next: any) { return next.handle().pipe(map((v) => { const r = c.switchToHttp().getResponse(); r.status(401); return v; })); } }

let entered = 0; let both = new Latch();
const handles: Record<string, string> = {};
@Controller()
class C {
  constructor(private readonly session: HttpSession, private readonly counter: Counter) {}
  @Post('late')  async late() { await this.session.login('ann'); return 'x'; }
  @Post('late-status')  async lateStatus() { await this.session.login('ann'); return 'x'; }
  @Get() see() { return { principal: this.session.principal ?? 'nobody', c: this.counter.value, handle: this.session.handle }; }
  @Post('count') count() { return ++this.counter.value; }
  @Post('both/:u') async both(@Param('u') u: string) { await this.session.login(u); handles[u] = this.session.handle as string; if (++entered === 2) both.open(); await both.opened; return this.session.handle; }
  @Post('times/:u') async times(@Param('u') u: string) { await this.session.login(u); return { a: this.session.authenticatedAt ?? null, c: this.session.createdAt ?? null }; }
  @Get('exclusive') async exclusive(@Res() response: any) {
    response.hijack?.();
    const raw = response.raw ?? response;
    await this.session.runExclusive(async () => {
      this.counter.value++;
      await new Promise<void>((resolve) => raw.end('done', resolve));
    });
  }
  @Get('flush-write') async fw(@Res() response: any) {
    response.hijack?.();
    const raw = response.raw ?? response;
    this.counter.value++;
    await Promise.all([this.session.flush(), new Promise<void>((resolve) => raw.end('done', resolve))]);
  }
}
describe.each(adapters)('x $adapter', ({ adapter }) => {
  let server: TestApplication; let client: Client;
  beforeEach(async () => { entered = 0; both = new Latch();
    server = await startApplication({ adapter, beans: [Counter], controllers: [C], prepare: (app) => void (process.env.G && app.useGlobalInterceptors(new (process.env.G === '1' ? Late : LateStatus)() as any)) });
    client = new Client(server.app);
    await client.post('/count').catch(() => 0);
  });
  afterEach(() => server.close());
  it.each(['late', 'late-status'])('%s', async (p) => {
    const r = await client.post('/' + p);
    console.log(adapter, p, r.status, setCookies(r), (await client.get('/')).text);
  });
  it('both', async () => {
    const rs = await Promise.all([client.copy().post('/both/ann'), client.copy().post('/both/bob')]);
    const out = [];
    for (const r of rs) { const c = new Client(server.app); c.cookie = setCookies(r)[0]!.split(';')[0]!; out.push((await c.get('/')).body); }
    console.log(rs.map((r) => [r.status, r.text]), handles, out);
  });
  it('times', async () => {
    await client.post('/times/ann');
    const r = await client.post('/times/bob');
    console.log(r.text);
  });
  it.each(['exclusive', 'flush-write'])('%s', async (p) => {
    const c = await RawClient.open(server.url);
    c.request('/' + p, ['Connection: close', `Cookie: ${client.cookie}`]);
    const r = await Promise.race([c.response(), new Promise((r) => setTimeout(r, 4000, 'DEADLOCK'))]);
    console.log(p, (r as any).status ?? r);
    c.destroy();
  });
});
