import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Next, UnauthorizedException } from '@nestjs/common';
import { HttpSession, ReadOnlySession, RequireLogin } from 'nestjs-session-beans';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { Client, setCookies } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';

@Controller()
class FirstController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('page') track(@Next() next: () => void): void {
    this.counter.value++;
    next();
  }

  @Get('members') logIn(@Next() next: () => void): void {
    void this.session.login('ann');
    next();
  }

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }
}

@Controller()
class SecondController {
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @ReadOnlySession() @Get('page') page(): object {
    return { value: this.counter.value };
  }

  @Get('members') members(): never {
    throw new UnauthorizedException(this.session.principal);
  }

  @RequireLogin() @Get('private') private(): string {
    return 'private';
  }
}

describe('a request that one handler passes on to another', () => {
  let server: TestApplication;
  let client: Client;
  beforeEach(async () => {
    const controllers = [FirstController, SecondController];
    server = await startApplication({ adapter: 'express', beans: [Counter], controllers });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  it('stores the changes of the first, though the second changes nothing and says so', async () => {
    for (const value of [1, 2, 3]) expect((await client.get('/page')).body).toEqual({ value });
  });

  it('does not log in where the second refuses', async () => {
    const response = await client.get('/members');
    expect([response.status, setCookies(response)]).toEqual([401, []]);
  });

  it('A2 is not sent to the login page for ids of two sessions: no login would help', async () => {
    const token = async (): Promise<string> =>
      (await RawClient.exchange(server.url, '/count')).cookies[0]?.match(/^sid=([^;]+)/)?.[1] ?? '';
    const both = `Cookie: sid=${await token()}; sid=${await token()}`;
    const answer = await RawClient.exchange(server.url, '/private', [both]);
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('SESSION_AMBIGUOUS')]);
    const nobody = await RawClient.exchange(server.url, '/private', [`Cookie: sid=${generateSessionId()}`]);
    expect(nobody.status).toBe(401);
  });
});
