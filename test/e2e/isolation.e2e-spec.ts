import { setTimeout as pause } from 'node:timers/promises';
import { EventEmitter, once } from 'node:events';
import { Agent, request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { HttpSession, SessionScoped } from 'nestjs-session-beans';
import { adapters, platforms, startApplication } from '../support/platforms.js';
import { rounds } from '../support/rounds.js';

const USERS = 200;
const SOCKETS = 15;
const REQUESTS = rounds(3, 60) * USERS;

@SessionScoped()
class Diary {
  #seen = new Set<string>();
  owner = '';
  pages = 0;

  /** Who owned the diary whenever this request looked. */
  look(): this {
    this.#seen.add(this.owner);
    return this;
  }

  get seen(): string[] {
    return [...this.#seen];
  }

  onBeanRestored(): void {
    this.#seen.clear();
  }

  beforeBeanSaved(): void {
    this.#seen.clear();
  }
}

@Injectable()
class DiaryService {
  constructor(
    private readonly diary: Diary,
    private readonly session: HttpSession,
  ) {}

  async turn(): Promise<number> {
    this.diary.look();
    // The callback of an emitter, the continuation of a timer and that of a promise.
    const emitter = new EventEmitter();
    emitter.on('page', () => void this.diary.look().pages++);
    await pause(Math.random() * 5);
    emitter.emit('page');
    setImmediate(() => emitter.emit('turned'));
    await once(emitter, 'turned');
    this.diary.look();
    await pause(Math.random() * 5);
    if (this.session.get('owner') !== this.diary.owner) throw new Error('the attribute belongs to somebody else');
    return this.diary.look().pages;
  }
}

@Controller()
class DiaryController {
  constructor(
    private readonly diary: Diary,
    private readonly session: HttpSession,
    private readonly service: DiaryService,
  ) {}

  @Get('own/:name')
  async own(@Param('name') name: string): Promise<object> {
    this.diary.owner = name;
    this.diary.look();
    await pause(Math.random() * 5);
    this.session.set('owner', name);
    const { owner, seen, pages } = this.diary.look();
    return { owner, seen, pages };
  }

  @Get('turn')
  async turn(): Promise<{ owner: string; seen: string[]; pages: number }> {
    const pages = await this.service.turn();
    return { owner: this.diary.owner, seen: this.diary.seen, pages };
  }
}

/** A client whose requests share sockets with everybody else's. */
class User {
  turns = 0;
  private cookie: string | undefined;

  constructor(
    readonly name: string,
    private readonly agent: Agent,
    private readonly url: string,
  ) {}

  async ask(path: string): Promise<string> {
    const headers = this.cookie === undefined ? {} : { cookie: this.cookie };
    const sent = request(`${this.url}/${path}`, { agent: this.agent, headers }).end();
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
    let body = '';
    for await (const chunk of response.setEncoding('utf8')) body += chunk as string;
    const given = response.headers['set-cookie']?.[0]?.split(';')[0];
    if (given !== undefined && this.cookie !== undefined) throw new Error(`${this.name} was given a second cookie`);
    this.cookie ??= given;
    return body;
  }
}

async function run(platform: (typeof platforms)[number]): Promise<number> {
  const server = await startApplication({
    ...platform,
    beans: [Diary],
    controllers: [DiaryController],
    providers: [DiaryService],
  });
  // On a busy machine the server would end idle connections that a user is about to use.
  Object.assign(server.app.getHttpServer(), { keepAliveTimeout: 120_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  const users = Array.from({ length: USERS }, (_, i) => new User(`user-${i}`, agent, server.url));
  let sent = 0;
  let answered = 0;
  const work = async (): Promise<void> => {
    while (sent < REQUESTS) {
      const user = users[sent++ % USERS] as User;
      const pages = user.turns++;
      const answer = await user.ask(pages === 0 ? `own/${user.name}` : 'turn');
      expect(JSON.parse(answer)).toEqual({ owner: user.name, seen: [user.name], pages });
      answered++;
    }
  };
  try {
    // No more workers than sockets, so that a user has one request at a time.
    await Promise.all(Array.from({ length: SOCKETS }, work));
  } finally {
    agent.destroy();
    await server.close();
  }
  return answered;
}

describe.each(adapters)('R2 200 users over a few keep-alive connections, $adapter,', ({ adapter }) => {
  it('never see the bean of another one, in two applications at the same time', async () => {
    const both = platforms.filter((platform) => platform.adapter === adapter);
    expect(await Promise.all(both.map(run))).toEqual([REQUESTS, REQUESTS]);
  });
});
